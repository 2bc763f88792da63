"""Draw a reply for a terminal; a pure function to something that rich prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.dialogue.model import Button, LinkButton, Part, Reply, Section
from bot.knowledge.markup import Block, Line, Paragraph, Span, Style

_STYLES = {Style.PLAIN: "", Style.BOLD: "bold", Style.ITALIC: "italic"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A reply as it is printed; `codes` are those of its buttons, the first one being number 1.

    A letter and addresses run over the edge of the terminal, which wraps them; whoever prints it must not crop.
    """

    printed: RenderableType
    codes: tuple[str, ...]


def render(reply: Reply, *, numbered: bool = True) -> Drawn:
    """Return a reply for printing; a terminal scrolls, so it is never cut into pages.

    Without `numbered` the buttons are named, but there is nobody to press them.
    """
    parts: list[RenderableType] = []
    if reply.title:
        parts.append(Text(safe(reply.title), style="bold cyan"))
    if reply.quote:
        parts += [Text(f"> {line}", style="dim") for line in safe(reply.quote).split("\n")]
    for section in reply.sections:
        parts += _section(section)
    links = [button for row in reply.rows for button in row if isinstance(button, LinkButton)]
    for link in links:
        # A broken address cannot be clicked, so it may run over the edge.
        parts += [
            Text(),
            Text(safe(link.label)),
            Text(link.url, style="blue underline", no_wrap=True, overflow="ignore"),
        ]
    if reply.footer:
        parts += [Text(), Text(safe(reply.footer), style="dim")]
    codes: list[str] = []
    prompt = ((Button(reply.prompt.button, reply.prompt.code),),) if reply.prompt else ()
    for row in (*prompt, *reply.rows):
        buttons = [button for button in row if isinstance(button, Button) and button.code not in codes]
        if buttons:
            parts.append(_numbered(buttons, len(codes) + 1) if numbered else _named(buttons))
            codes += [button.code for button in buttons]
    return Drawn(Group(*parts), tuple(codes))


def safe(text: str) -> str:
    """Return text without the control characters that could steer a terminal."""
    return "".join(
        character for character in text if character == "\n" or character.isprintable() or character in "\u200c\u200d"
    )


def _numbered(buttons: Sequence[Button], first: int) -> Text:
    line = Text()
    for number, button in enumerate(buttons, first):
        if line:
            line.append("  ")
        line.append(f"[{number}]", style="bold green").append(f" {safe(button.label)}")
    return line


def _named(buttons: Sequence[Button]) -> Text:
    return Text(" · ".join(safe(button.label) for button in buttons), style="green")


def _section(section: Section) -> list[RenderableType]:
    parts: list[RenderableType] = [Text()]
    if section.heading:
        parts.append(Text(safe(section.heading), style="bold"))
    if section.part is Part.LETTER:
        return [*parts, *_to_copy(section.blocks)]
    style = "dim" if section.part is Part.SOURCES else ""
    for index, block in enumerate(section.blocks):
        if index:
            parts.append(Text())
        parts += _block(block, style)
    return parts


def _to_copy(letter: Sequence[Block]) -> list[RenderableType]:
    """Return a text to copy as it is: its lines are wrapped by the terminal alone, which copies them whole."""
    lines = [line for block in letter for line in ((block.line,) if isinstance(block, Paragraph) else block.lines)]
    text = "\n\n".join("".join(safe(span.text) for span in line) for line in lines)
    return [Text(text, no_wrap=True, overflow="ignore")]


def _block(block: Block, style: str) -> list[RenderableType]:
    if isinstance(block, Paragraph):
        return [_line(block.line, style)]
    drawn: list[RenderableType] = []
    for index, line in enumerate(block.lines):
        mark = "•" if block.start is None else f"{block.start + index}."
        text = Text(f"{mark} ", style=style)
        text.append_text(_line(line, style))
        drawn.append(Padding(text, (0, 0, 0, 2)))
    return drawn


def _line(line: Line, style: str) -> Text:
    text = Text(style=style)
    for span in line:
        text.append_text(_span(span))
    return text


def _span(span: Span) -> Text:
    if span.url is None:
        return Text(safe(span.text), style=_STYLES[span.style])
    return Text.assemble((safe(span.text), "underline"), " <", span.url, ">")
