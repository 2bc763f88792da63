"""Draw a Telegram message, from the HTML and the keyboard that Telegram would get, as HTML; a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from bot.dialogue.model import File
from bot.workshop.preview.attachment import attachment
from bot.workshop.preview.discord_markdown import link
from bot.workshop.preview.telegram_html import sanitised


def look(text: str, keyboard: Mapping[str, Any] | None, files: Iterable[File] = ()) -> str:
    """Return the HTML of a message; `keyboard` is the reply markup as it goes over the wire."""
    parts = [f'<div class="bubble">{sanitised(text)}</div>']
    parts += [f'<div class="bubble">{attachment(file)}</div>' for file in files]
    for row in (keyboard or {}).get("inline_keyboard", ()):
        parts.append(f'<div class="row">{"".join(map(_key, row))}</div>')
    return "\n".join(parts)


def _key(key: Mapping[str, Any]) -> str:
    label = escape(key["text"], quote=False)
    if "url" in key:
        return link(key["url"], f'{label}<span aria-hidden="true"> ↗</span>').replace("<a ", '<a class="key" ')
    if "copy_text" in key:
        return f'<button type="button" class="key" data-copy="{escape(key["copy_text"]["text"])}">{label}</button>'
    return f'<button type="button" class="key" data-code="{escape(key["callback_data"])}">{label}</button>'
