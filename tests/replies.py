"""Read a reply as people do: its words, and its buttons by their labels."""

from __future__ import annotations

from bot.dialogue.model import Button, Reply
from bot.knowledge.markup import Paragraph


def text_of(reply: Reply) -> str:
    parts = [reply.title]
    for section in reply.sections:
        parts.append(section.heading or "")
        for block in section.blocks:
            rows = (block.line,) if isinstance(block, Paragraph) else block.lines
            parts += ["".join(span.text for span in row) for row in rows]
    return "\n".join([*parts, reply.footer])


def buttons(reply: Reply) -> dict[str, str]:
    return {button.label: button.code for row in reply.rows for button in row if isinstance(button, Button)}
