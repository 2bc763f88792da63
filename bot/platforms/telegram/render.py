"""Draw a reply as a Telegram message; a pure function, and the place where Telegram's limits are kept."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from telegram import ForceReply, InlineKeyboardMarkup

from bot.dialogue.model import File, Part, Prompt, Reply, Section
from bot.dialogue.pages import Page, paginate
from bot.knowledge.markup import Block, Items, Line, Paragraph, Span, Style, blocks
from bot.knowledge.texts import Texts
from bot.platforms.telegram import keyboard
from bot.platforms.telegram.limits import BUDGET, ENTITIES, FOOTER, PAGE_LINE, TEXT, TITLE
from bot.platforms.telegram.safety import safe, safe_url
from bot.platforms.wording import one_line, shortened, units

QUOTE, PRE = "blockquote", "pre"
"""Tags of what is set apart as a whole: a person's own words, and a text to copy."""


@dataclass(frozen=True, slots=True)
class _Whole(Span):
    """A run that is set apart, in which nothing is markup."""

    tag: str = PRE


_GAP = Span("\n\n")
_OWN_ENTITIES = 5
"""Entities of title, footer and page line, with some to spare."""

_TAGS = {Style.BOLD: "b", Style.ITALIC: "i"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message: as HTML, the same as plain text for when the HTML is refused, and its buttons.

    A message that asks for words opens the reply `field`, beside which Telegram shows no buttons; `files` are sent
    before it.
    """

    html: str
    plain: str
    keyboard: InlineKeyboardMarkup | None
    field: ForceReply | None = None
    files: tuple[File, ...] = ()


def render(reply: Reply, texts: Texts) -> Drawn:
    """Return the page of `reply` that its state names, with its buttons."""
    if reply.files and not reply.state and pages(reply, texts) > 1:
        reply = _without_letter(reply, texts)
    message, count, page = _message(reply, texts)
    if prompt := asked_for(reply):
        return Drawn(_html(message), _plain(message), None, keyboard.ask_for(prompt), reply.files)
    buttons = keyboard.build(reply, texts, pages=count, page=page)
    return Drawn(_html(message), _plain(message), buttons, None, reply.files)


def asked_for(reply: Reply) -> Prompt | None:
    """Return what the message of a reply asks a person to write; a screen with a state only leads there by a button."""
    return None if reply.state else reply.prompt


def render_elsewhere(reply: Reply, texts: Texts, home: str) -> Drawn:
    """Return the first page of `reply` for a chat that the bot does not see; `home` leads to the whole answer.

    Nobody's buttons can be told apart there, so all of its buttons are links.
    """
    message, _, _ = _message(replace(reply, state=reply.state.at(0) if reply.state else None), texts)
    return Drawn(_html(message), _plain(message), keyboard.links(reply, texts, home))


def pages(reply: Reply, texts: Texts) -> int:
    """Return how many pages a reply takes."""
    return _message(reply, texts)[1]


def _without_letter(reply: Reply, texts: Texts) -> Reply:
    """Return a reply that names the file in place of its letter: half a letter would be taken for a whole one."""
    told = Section(Part.NOTE, blocks(texts.telegram.in_file))
    kept = (told if section.part is Part.LETTER else section for section in reply.sections)
    return replace(reply, sections=tuple(kept))


def title_of(reply: Reply) -> str:
    """Return the title as it stands in the message."""
    return shortened(one_line(safe(reply.title)), TITLE)


def _message(reply: Reply, texts: Texts) -> tuple[list[Span], int, int]:
    """Return the runs of the page to show, how many pages there are, and which one this is."""
    title, footer = title_of(reply), shortened(one_line(safe(reply.footer)), FOOTER)
    quote = one_line(safe(reply.quote))
    prompt = asked_for(reply)
    line = one_line(safe(prompt.line)) if prompt else ""
    if prompt:
        reply = replace(reply, sections=(*reply.sections, Section(Part.NOTE, blocks(texts.telegram.answer))))
    room = BUDGET - sum(map(units, (title, footer, quote, line))) - PAGE_LINE - 5 * units(_GAP.text)
    pages = _pages([_safe_section(section) for section in reply.sections], room)
    page = min(reply.state.step, len(pages) - 1) if reply.state else 0
    parts: list[list[Span]] = [[Span(title, Style.BOLD)]] if title else []
    if quote:
        parts.append([_Whole(quote, tag=QUOTE)])
    # Once more, since a cut may stand before an @ that belonged to an address.
    body = _trimmed(_body(map(_safe_section, pages[page])))
    if len(pages) > 1 and not reply.state:
        body.append(Span("\n\n…"))
    parts.append(body)
    foot = [footer] if footer else []
    if len(pages) > 1 and reply.state:
        foot.append(shortened(one_line(safe(texts.page.format(page=page + 1, pages=len(pages)))), PAGE_LINE))
    parts.append([Span("\n".join(foot), Style.ITALIC)])
    # The last line that is seen tells what an answer to this message is for.
    parts.append([Span(line)])
    message = _joined(parts)
    # Telegram refuses a message in which nothing is to be seen.
    return message or [Span(safe(texts.bot_name))], len(pages), page


def _pages(sections: Sequence[Section], room: int) -> tuple[Page, ...]:
    entities = ENTITIES - _OWN_ENTITIES

    def measure(part: Sequence[Section]) -> int:
        body = _body(part)
        # A page is full when either its characters or its entities are.
        return max(units(_text(body)), -(-sum(map(_entities, body)) * room // entities))

    return paginate(sections, measure, room)


def _body(sections: Iterable[Section]) -> list[Span]:
    parts = []
    for section in sections:
        part: list[Span] = []
        if section.heading:
            part += [Span(section.heading, Style.BOLD), Span("\n")]
        if section.part is Part.LETTER:
            part.append(_Whole("\n\n".join(map(_words, section.blocks))))
            parts.append(part)
            continue
        for index, block in enumerate(section.blocks):
            if index:
                part.append(_GAP)
            part += _block(block)
        parts.append(part)
    return _joined(parts)


def _block(block: Block) -> Iterator[Span]:
    if isinstance(block, Paragraph):
        yield from block.line
        return
    for index, line in enumerate(block.lines):
        mark = "•" if block.start is None else f"{block.start + index}."
        yield Span(f"\n{mark} " if index else f"{mark} ")
        yield from line


def _words(block: Block) -> str:
    lines = (block.line,) if isinstance(block, Paragraph) else block.lines
    return "\n".join("".join(span.text for span in line) for line in lines)


def _safe_section(section: Section) -> Section:
    heading = one_line(safe(section.heading)) if section.heading else None
    return Section(section.part, tuple(map(_safe_block, section.blocks)), heading)


def _safe_block(block: Block) -> Block:
    if isinstance(block, Paragraph):
        return Paragraph(_safe_line(block.line))
    return Items(tuple(map(_safe_line, block.lines)), block.start)


def _safe_line(line: Line) -> Line:
    spans = (Span(safe(span.text), span.style, safe_url(span.url)) for span in line)
    return tuple(span for span in spans if span.text)


def _joined(parts: Iterable[list[Span]]) -> list[Span]:
    """Put parts one under the other, those in which nothing is to be seen left out."""
    joined: list[Span] = []
    for part in parts:
        if _text(part).strip():
            joined += [_GAP, *part] if joined else part
    return joined


def _trimmed(body: list[Span]) -> list[Span]:
    """Return the body without white space at its ends, which a cut between pages leaves."""
    while body and not body[0].text.strip():
        body = body[1:]
    while body and not body[-1].text.strip():
        body = body[:-1]
    if body:
        body = [replace(body[0], text=body[0].text.lstrip()), *body[1:]]
        body = [*body[:-1], replace(body[-1], text=body[-1].text.rstrip())]
    return body


def _text(message: Iterable[Span]) -> str:
    return "".join(span.text for span in message)


def _entities(span: Span) -> int:
    return (span.style is not Style.PLAIN) + (span.url is not None) + isinstance(span, _Whole)


def _html(message: Iterable[Span]) -> str:
    return "".join(map(_span, message))


def _span(span: Span) -> str:
    text = html.escape(span.text, quote=False)
    if isinstance(span, _Whole):
        return f"<{span.tag}>{text}</{span.tag}>"
    if tag := _TAGS.get(span.style):
        text = f"<{tag}>{text}</{tag}>"
    return f'<a href="{html.escape(span.url)}">{text}</a>' if span.url else text


def _plain(message: Sequence[Span]) -> str:
    """Return the message without markup; with the addresses of its links, as far as they fit and hold no @."""
    told = "".join(f"{span.text} ({span.url})" if span.url and "@" not in span.url else span.text for span in message)
    return told if units(told) <= TEXT else _text(message)
