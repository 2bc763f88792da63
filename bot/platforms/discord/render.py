"""Draw a reply as a Discord message; a pure function, and the place where Discord's limits are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.dialogue.model import File, Part, Prompt, Reply, Section
from bot.dialogue.pages import Page, paginate
from bot.knowledge.markup import Block, Line, Paragraph, Span, Style
from bot.knowledge.texts import Texts
from bot.platforms.discord import keyboard
from bot.platforms.discord.limits import (
    BUDGET,
    DESCRIPTION,
    EMBED_TOTAL,
    EMBEDS,
    FIELD_LABEL,
    FIELD_PLACEHOLDER,
    FIELD_TEXT,
    FILE_SIZE,
    FILES,
    FOOT,
    FORM_TITLE,
    PAGE_LINE,
    TITLE,
)
from bot.platforms.discord.quotation import quotation
from bot.platforms.discord.safety import escaped, escaped_within, in_parentheses, safe, safe_url
from bot.platforms.wording import one_line, shortened, units

NOBODY: Mapping[str, Any] = {"parse": [], "replied_user": False}
"""Allowed mentions that ping nobody; without them an edit would parse mentions anew."""

EPHEMERAL = 1 << 6
"""Flag of a message that only one person sees."""

_MARKS = {Style.PLAIN: "", Style.BOLD: "**", Style.ITALIC: "*"}
_BETWEEN = "\u200b"
"""Keeps the marks of two styles that touch from being read as one."""

_FENCE = "```"
_CUT_OFF = "\n\n…"

FIELD = "text"
"""Id of the one field of a form; the form's own id carries the state."""

_LABEL, _TEXT_INPUT = 18, 4
_PARAGRAPH = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message: its embeds (mostly one), the rows of its buttons, and the files that go with it."""

    embeds: tuple[Mapping[str, Any], ...]
    components: tuple[keyboard.Component, ...]
    files: tuple[File, ...] = ()

    def payload(self, *, ephemeral: bool = False) -> dict[str, Any]:
        """Return the body of the message as Discord takes it."""
        body: dict[str, Any] = {
            "embeds": list(self.embeds),
            "components": list(self.components),
            "allowed_mentions": NOBODY,
        }
        if self.files:
            body["attachments"] = [{"id": str(index), "filename": file.name} for index, file in enumerate(self.files)]
        return {**body, "flags": EPHEMERAL} if ephemeral else body


def render(reply: Reply, texts: Texts, *, share: bool = False) -> Drawn:
    """Return the page of `reply` that its state names; `share` offers to show it to everyone.

    A reply without a state cannot be turned, so that all of its pages are shown, as far as a message holds them.
    """
    pages = _pages(reply)
    page = min(reply.state.step, len(pages) - 1) if reply.state else 0
    title = escaped_within(reply.title, TITLE)
    foot = [shortened(one_line(safe(reply.footer)), FOOT - PAGE_LINE - 1)] if reply.footer.strip() else []
    if len(pages) > 1 and reply.state:
        line = texts.page.format(page=page + 1, pages=len(pages))
        foot.append(shortened(one_line(safe(line)), PAGE_LINE))
    footer = "\n".join(line for line in foot if line)
    first, *further = [pages[page]] if reply.state else pages
    bodies = [_body(first).strip(), *(body for part in further if (body := _body(part).strip()))]
    bodies[0] = "\n\n".join(part for part in (quotation(reply.quote), bodies[0]) if part)
    if not title and not any(bodies):
        # Discord refuses a message in which nothing is to be seen.
        title = escaped_within(texts.bot_name, TITLE)
    shown = _together(bodies, EMBED_TOTAL - units(title) - units(footer))
    embeds: list[dict[str, Any]] = [{"description": shortened(body, DESCRIPTION)} if body else {} for body in shown]
    if title:
        embeds[0] = {"title": title, **embeds[0]}
    if footer:
        embeds[-1]["footer"] = {"text": footer}
    files = tuple(file for file in reply.files if len(file.content) <= FILE_SIZE)[:FILES]
    return Drawn(tuple(embeds), keyboard.build(reply, texts, pages=len(pages), page=page, share=share), files)


def form(prompt: Prompt) -> dict[str, Any]:
    """Return the form in which a person answers a prompt, as Discord takes it: one field for a longer text."""
    field: dict[str, Any] = {
        "type": _TEXT_INPUT,
        "custom_id": FIELD,
        "style": _PARAGRAPH,
        "required": True,
        "max_length": max(1, min(prompt.most, FIELD_TEXT)),
    }
    if hint := shortened(one_line(safe(prompt.hint)), FIELD_PLACEHOLDER):
        field["placeholder"] = hint
    label = {"type": _LABEL, "label": shortened(one_line(safe(prompt.label)), FIELD_LABEL), "component": field}
    title = shortened(one_line(safe(prompt.title)), FORM_TITLE)
    return {"custom_id": prompt.code, "title": title, "components": [label]}


def pages(reply: Reply, _texts: Texts) -> int:
    """Return how many pages a reply takes."""
    return len(_pages(reply))


def title_of(title: str) -> str:
    """Return a title as it stands in the message."""
    return escaped_within(title, TITLE)


def _pages(reply: Reply) -> tuple[Page, ...]:
    room = BUDGET - units(quotation(reply.quote))
    return paginate(reply.sections, lambda part: units(_body(part)), room)


def _together(bodies: Sequence[str], room: int) -> Sequence[str]:
    """Return as many of the bodies as one message holds, the first in any case; what is cut off ends in …."""
    kept: list[str] = []
    for body in bodies:
        room -= units(body)
        if kept and (room < len(_CUT_OFF) or len(kept) == EMBEDS):
            return [*kept[:-1], kept[-1] + _CUT_OFF]
        kept.append(body)
    return kept


def _body(sections: Iterable[Section]) -> str:
    parts = []
    for section in sections:
        lines = []
        if section.heading and (heading := one_line(safe(section.heading))):
            lines.append(f"### {escaped(heading)}")
        if section.part is Part.LETTER:
            lines += _to_copy(section.blocks)
        else:
            lines += [text for block in section.blocks if (text := _block(block)).strip()]
        # No empty line follows a heading: Discord sets it apart by itself.
        head, *rest = lines or [""]
        heads = f"{head}\n" if section.heading and rest and head.startswith("### ") else f"{head}\n\n" if rest else head
        parts.append(heads + "\n\n".join(rest))
    return "\n\n".join(part for part in parts if part.strip())


def _to_copy(letter: Sequence[Block]) -> list[str]:
    """Return a text to copy as one block of code, which nothing in it can end."""
    lines = [line for block in letter for line in ((block.line,) if isinstance(block, Paragraph) else block.lines)]
    text = "\n\n".join(said for line in lines if (said := safe("".join(span.text for span in line)).strip()))
    text = re.sub(f"{_FENCE}+", lambda marks: _BETWEEN.join(marks[0]), text)
    return [f"{_FENCE}\n{text}\n{_FENCE}"] if text else []


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _line(block.line)
    lines = []
    for index, line in enumerate(block.lines):
        mark = "-" if block.start is None else f"{block.start + index}."
        if text := _line(line).strip():
            lines.append(f"{mark} {text}")
    return "\n".join(lines)


def _line(line: Line) -> str:
    drawn: list[str] = []
    marked = False
    for span in _merged(line):
        text = _span(span, line_start=not "".join(drawn).strip())
        is_marked = span.style is not Style.PLAIN and bool(span.text.strip())
        if marked and is_marked and not drawn[-1][-1:].isspace() and not text[:1].isspace():
            drawn.append(_BETWEEN)
        if text:
            drawn.append(text)
            marked = is_marked
    return "".join(drawn)


def _merged(line: Line) -> Sequence[Span]:
    """Return the runs of a line on one line, neighbours in the same style put together."""
    merged: list[Span] = []
    for span in line:
        text = " ".join(safe(span.text).split("\n"))
        url = safe_url(span.url)
        if not text:
            continue
        if merged and not url and not merged[-1].url and merged[-1].style is span.style:
            merged[-1] = Span(merged[-1].text + text, span.style)
        else:
            merged.append(Span(text, span.style, url))
    return merged


def _span(span: Span, *, line_start: bool) -> str:
    """Return one run; white space goes outside its marks, where Discord wants it."""
    bare = span.text.strip()
    if not bare:
        return span.text
    before = span.text[: len(span.text) - len(span.text.lstrip())]
    after = span.text[len(span.text.rstrip()) :]
    mark = _MARKS[span.style]
    # Between marks nothing stands at the beginning of a line.
    text = escaped(bare, line_start=line_start and not mark and not span.url)
    if span.url and "://" in bare:
        # Discord shows no masked link whose label looks like an address.
        return f"{before}{mark}{text}{mark}{after}"
    text = f"[{text}]({in_parentheses(span.url)})" if span.url else text
    return f"{before}{mark}{text}{mark}{after}"
