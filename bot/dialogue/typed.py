"""Take a person's own words as they are, without what could steer a screen or hide what is written."""

from __future__ import annotations

import re
import unicodedata

_STEERING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that turn the direction of what follows (Unicode Standard Annex 9), and the byte order mark."""

_BREAKS = re.compile("\r\n?|[\u2028\u2029\u0085\v\f]")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_CONTROLS = frozenset({"Cc", "Cs"})
_UNSEEN = frozenset({"Cf", "Zs", "Mn", "Me"})
"""What is nothing to read by itself; signs that this Python does not know yet may well be seen."""


def cleaned(text: str) -> str:
    """Return `text` trimmed, without control characters, direction marks and half characters.

    Line breaks stay; several empty lines become one.
    """
    text = _STEERING.sub("", _BREAKS.sub("\n", text)).replace("\t", " ")
    text = "".join(one for one in text if one == "\n" or unicodedata.category(one) not in _CONTROLS)
    text = _EMPTY_LINES.sub("\n\n", text).strip()
    seen = any(one != "\n" and unicodedata.category(one) not in _UNSEEN for one in text)
    return text if seen else ""


def length(text: str) -> int:
    """Return the length of `text` in UTF-16 units, as both platforms count what people type."""
    return len(text.encode("utf-16-le")) // 2
