"""Read the small Markdown of the knowledge into blocks that each renderer draws in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a run of text is set."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, a link where `url` is set."""

    text: str
    style: Style = Style.PLAIN
    url: str | None = None


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    line: Line


@dataclass(frozen=True, slots=True)
class Items:
    """A list; its items are numbered from `start` where the order matters (`start` None: bullets)."""

    lines: tuple[Line, ...]
    start: int | None = None


Block = Paragraph | Items

_INLINE = re.compile(
    r"\*\*(?P<bold>[^*\s](?:[^*\n]*[^*\s])?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<url>https://[^\s()]+)\)"
)
_BULLET = re.compile(r"^\s*[-*]\s+")


def spans(text: str) -> Line:
    """Split one paragraph's text into spans; what is no markup stays as it is written."""
    found: list[Span] = []
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            found.append(Span(text[at : match.start()]))
        if match["bold"] is not None:
            found.append(Span(match["bold"], Style.BOLD))
        elif match["italic"] is not None:
            found.append(Span(match["italic"], Style.ITALIC))
        else:
            found.append(Span(match["label"], url=match["url"]))
        at = match.end()
    if at < len(text):
        found.append(Span(text[at:]))
    return tuple(found)


def blocks(text: str) -> tuple[Block, ...]:
    """Split a text into paragraphs (at empty lines) and lists; lines of a paragraph are joined."""
    return tuple(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for chunk in re.split(r"\n\s*\n", text.strip()):
        prose: list[str] = []
        items: list[str] = []
        for line in chunk.splitlines():
            if _BULLET.match(line):
                if prose:
                    yield Paragraph(spans(" ".join(prose)))
                    prose = []
                items.append(_BULLET.sub("", line).strip())
            elif items:
                items[-1] += " " + line.strip()
            elif line.strip():
                prose.append(line.strip())
        if prose:
            yield Paragraph(spans(" ".join(prose)))
        if items:
            yield Items(tuple(spans(item) for item in items))


def plain(text: str) -> str:
    """Return the text without its markup, as it is read aloud or matched."""
    return "".join(span.text for span in spans(text))
