"""Count the words of a screen, so that each can be read at a glance."""

from __future__ import annotations

from bot.dialogue.model import Reply
from bot.knowledge.markup import Block, Paragraph

MOST_WORDS = 60
"""Words of one screen, with its title and headings: what is read at a glance while the other hand taps."""


def words_on(reply: Reply) -> int:
    """Count the words of a reply: title, headings, texts and footer."""
    texts = [reply.title, reply.footer]
    for section in reply.sections:
        texts.append(section.heading or "")
        texts += [_read(block) for block in section.blocks]
    return sum(words_in(text) for text in texts)


def words_in(text: str) -> int:
    """Count the words of a text; a sign alone is none."""
    return sum(any(sign.isalnum() for sign in word) for word in text.split())


def _read(block: Block) -> str:
    lines = (block.line,) if isinstance(block, Paragraph) else block.lines
    return "\n".join("".join(span.text for span in line) for line in lines)
