"""Draw a reply as a Discord message; a pure function, and the place where Discord's limits are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.dialogue.model import Reply, Section
from bot.dialogue.pages import Page, paginate
from bot.knowledge.markup import Block, Line, Paragraph, Span, Style
from bot.knowledge.texts import Texts
from bot.platforms.discord import keyboard
from bot.platforms.discord.limits import BUDGET, DESCRIPTION, FOOT, PAGE_LINE, TITLE
from bot.platforms.discord.safety import escaped, escaped_within, in_parentheses, safe, safe_url
from bot.platforms.wording import one_line, shortened, units

NOBODY: Mapping[str, Any] = {"parse": [], "replied_user": False}
"""Allowed mentions that ping nobody; without them an edit would parse mentions anew."""

EPHEMERAL = 1 << 6
"""Flag of a message that only one person sees."""

_MARKS = {Style.PLAIN: "", Style.BOLD: "**", Style.ITALIC: "*"}
_BETWEEN = "\u200b"
"""Keeps the marks of two styles that touch from being read as one."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message: one embed and the rows of its buttons."""

    embed: Mapping[str, Any]
    components: tuple[keyboard.Component, ...]

    def payload(self, *, ephemeral: bool = False) -> dict[str, Any]:
        """Return the body of the message as Discord takes it."""
        body = {"embeds": [self.embed], "components": list(self.components), "allowed_mentions": NOBODY}
        return {**body, "flags": EPHEMERAL} if ephemeral else body


def render(reply: Reply, texts: Texts, *, share: bool = False) -> Drawn:
    """Return the page of `reply` that its state names; `share` offers to show it to everyone."""
    pages = _pages(reply)
    page = min(reply.state.step, len(pages) - 1) if reply.state else 0
    title = escaped_within(reply.title, TITLE)
    description = _body(pages[page]).strip()
    foot = [shortened(one_line(safe(reply.footer)), FOOT - PAGE_LINE - 1)] if reply.footer.strip() else []
    if len(pages) > 1 and reply.state:
        line = texts.page.format(page=page + 1, pages=len(pages))
        foot.append(shortened(one_line(safe(line)), PAGE_LINE))
    elif len(pages) > 1:
        description += "\n\n…"
    footer = "\n".join(line for line in foot if line)
    if not title and not description:
        # Discord refuses a message in which nothing is to be seen.
        title = escaped_within(texts.bot_name, TITLE)
    embed: dict[str, Any] = {}
    if title:
        embed["title"] = title
    if description:
        embed["description"] = shortened(description, DESCRIPTION)
    if footer:
        embed["footer"] = {"text": footer}
    return Drawn(embed, keyboard.build(reply, texts, pages=len(pages), page=page, share=share))


def pages(reply: Reply, _texts: Texts) -> int:
    """Return how many pages a reply takes."""
    return len(_pages(reply))


def title_of(title: str) -> str:
    """Return a title as it stands in the message."""
    return escaped_within(title, TITLE)


def _pages(reply: Reply) -> tuple[Page, ...]:
    return paginate(reply.sections, lambda part: units(_body(part)), BUDGET)


def _body(sections: Iterable[Section]) -> str:
    parts = []
    for section in sections:
        lines = []
        if section.heading and (heading := one_line(safe(section.heading))):
            lines.append(f"### {escaped(heading)}")
        lines += [text for block in section.blocks if (text := _block(block)).strip()]
        # No empty line follows a heading: Discord sets it apart by itself.
        head, *rest = lines or [""]
        heads = f"{head}\n" if section.heading and rest and head.startswith("### ") else f"{head}\n\n" if rest else head
        parts.append(heads + "\n\n".join(rest))
    return "\n\n".join(part for part in parts if part.strip())


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
