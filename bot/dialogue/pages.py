"""Cut a reply into pages that a platform can show: between blocks, inside one only where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bot.dialogue.model import Section
from bot.knowledge.markup import Block, Items, Line, Paragraph, Span

Page = tuple[Section, ...]
Measure = Callable[[Sequence[Section]], int]
"""Returns the length of sections as the platform counts it, in the form in which it will be sent."""

_SENTENCE_END = re.compile(r"[.!?:;]\s")


def paginate(sections: Sequence[Section], measure: Measure, budget: int) -> tuple[Page, ...]:
    """Return the pages of `sections`, each at most `budget` long by `measure`; at least one.

    `budget` must hold a heading and some characters; a heading that does not fit by itself is dropped.
    """
    if measure(sections) <= budget:
        # Nearly every reply; to look for the ends of pages takes as long as everything else.
        return (tuple(sections),)
    pages: list[Page] = []
    page: Page = ()
    for piece in _pieces(sections):
        joined = _joined(page, piece)
        if measure(joined) <= budget:
            page = joined
            continue
        for part in _fitting(piece, measure, budget):
            joined = _joined(page, part)
            if page and measure(joined) > budget:
                pages.append(page)
                page = (part,)
            else:
                page = joined
    return (*pages, page) if page or not pages else tuple(pages)


def _pieces(sections: Sequence[Section]) -> Iterator[Section]:
    """Yield sections of one paragraph or list item each; the heading goes with the first."""
    for section in sections:
        heading = section.heading
        for block in section.blocks or (Paragraph(()),):
            for atom in _atoms(block):
                yield Section(section.part, (atom,), heading)
                heading = None


def _atoms(block: Block) -> Iterator[Block]:
    if isinstance(block, Paragraph):
        yield block
        return
    for index, line in enumerate(block.lines):
        yield Items((line,), None if block.start is None else block.start + index)


def _joined(page: Page, piece: Section) -> Page:
    """Return the page with one more piece, put back into the section and list that it came from."""
    if not page or piece.heading is not None or page[-1].part is not piece.part:
        return (*page, piece)
    last = page[-1]
    before, block = last.blocks[-1], piece.blocks[0]
    if isinstance(before, Items) and isinstance(block, Items) and _continues(before, block):
        merged: Block = Items(before.lines + block.lines, before.start)
        return (*page[:-1], replace(last, blocks=(*last.blocks[:-1], merged)))
    return (*page[:-1], replace(last, blocks=(*last.blocks, block)))


def _continues(before: Items, block: Items) -> bool:
    if before.start is None or block.start is None:
        return before.start is block.start
    return block.start == before.start + len(before.lines)


def _fitting(piece: Section, measure: Measure, budget: int) -> Iterator[Section]:
    """Yield the piece, cut into parts that fit a page of their own."""
    if measure((piece,)) <= budget:
        yield piece
        return
    if piece.heading is not None and measure((replace(piece, blocks=(Paragraph(()),)),)) > budget // 2:
        piece = replace(piece, heading=None)
    block = piece.blocks[0]
    line = block.line if isinstance(block, Paragraph) else block.lines[0]
    while line:
        low, high = 1, sum(len(span.text) for span in line)
        while low < high:
            middle = (low + high + 1) // 2
            if measure((_with_line(piece, _cut(line, middle)[0]),)) <= budget:
                low = middle
            else:
                high = middle - 1
        head, line = _cut(line, low)
        yield _with_line(piece, head)
        piece = replace(piece, heading=None)


def _with_line(piece: Section, line: Line) -> Section:
    block = piece.blocks[0]
    return replace(piece, blocks=(Paragraph(line) if isinstance(block, Paragraph) else replace(block, lines=(line,)),))


def _cut(line: Line, size: int) -> tuple[Line, Line]:
    """Cut a line after at most `size` characters: after a sentence, else at a space, else anywhere."""
    text = "".join(span.text for span in line)
    if len(text) <= size:
        return line, ()
    sentences = [match.end() for match in _SENTENCE_END.finditer(text, 0, size)]
    space = text.rfind(" ", 0, size) + 1
    at = sentences[-1] if sentences and sentences[-1] > size // 2 else (space or size)
    head: list[Span] = []
    tail: list[Span] = []
    for span in line:
        if at >= len(span.text):
            head.append(span)
        elif at > 0:
            head.append(replace(span, text=span.text[:at]))
            tail.append(replace(span, text=span.text[at:]))
        else:
            tail.append(span)
        at -= len(span.text)
    return tuple(head), tuple(tail)
