"""Show a person's words as a quotation, and read exactly them back from the message that shows them."""

from __future__ import annotations

import re

from bot.platforms.discord.limits import QUOTE
from bot.platforms.discord.safety import escaped, safe

_MARK = "> "
_ESCAPED = re.compile(r"\\(.)")


def quotation(text: str) -> str:
    """Return words as lines of a quotation in which nothing is markup; empty where there are none."""
    lines = safe(text).strip()[:QUOTE].split("\n")
    return "\n".join(f"{_MARK}{escaped(line, line_start=True)}" for line in lines) if any(lines) else ""


def quoted_in(description: str) -> str:
    """Return the words that a description quotes at its beginning, empty where it quotes nothing.

    Texts of our own never begin with the mark of a quotation, since it is escaped in them.
    """
    kept: list[str] = []
    for line in description.split("\n"):
        if not line.startswith(_MARK.rstrip()):
            break
        kept.append(_ESCAPED.sub(r"\1", line.removeprefix(_MARK.rstrip()).removeprefix(" ")))
    return "\n".join(kept).strip()[:QUOTE]
