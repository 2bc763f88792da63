"""Draw a Discord message, from the payload that Discord would get, as HTML; a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from bot.dialogue.model import File
from bot.platforms.discord.render import EPHEMERAL
from bot.workshop.preview.attachment import attachment
from bot.workshop.preview.discord_markdown import html, inline, link

_SELECT, _LINK = 3, 5


def look(payload: Mapping[str, Any], files: Iterable[File] = ()) -> str:
    """Return the HTML of a message's body, embeds, files and buttons."""
    parts = [_embed(embed) for embed in payload["embeds"]]
    parts += map(attachment, files)
    parts += [_row(row["components"]) for row in payload["components"]]
    if payload.get("flags", 0) & EPHEMERAL:
        parts.append('<p class="only-you">Only you can see this</p>')
    return "\n".join(parts)


def _embed(embed: Mapping[str, Any]) -> str:
    title = f'<p class="title">{inline(embed["title"])}</p>' if "title" in embed else ""
    body = f'<div class="said">{html(embed["description"])}</div>' if "description" in embed else ""
    foot = escape(embed["footer"]["text"], quote=False).replace("\n", "<br>") if "footer" in embed else ""
    return f'<div class="embed">{title}{body}{f"<p class=footer>{foot}</p>" if foot else ""}</div>'


def _row(components: Iterable[Mapping[str, Any]]) -> str:
    return f'<div class="row">{"".join(map(_component, components))}</div>'


def _component(component: Mapping[str, Any]) -> str:
    if component["type"] == _SELECT:
        options = "".join(
            f"<li>{_button(option['label'], option['value'], 'option')}</li>" for option in component["options"]
        )
        placeholder = escape(component["placeholder"], quote=False)
        key = escape(component["custom_id"])
        return f'<details class="select"><summary data-key="{key}">{placeholder}</summary><ul>{options}</ul></details>'
    label = escape(component["label"], quote=False)
    if component["style"] == _LINK:
        return link(component["url"], f'{label}<span aria-hidden="true"> ↗</span>').replace("<a ", '<a class="key" ')
    return _button(component["label"], component["custom_id"], "key")


def _button(label: str, code: str, role: str) -> str:
    return f'<button type="button" class="{role}" data-code="{escape(code)}">{escape(label, quote=False)}</button>'
