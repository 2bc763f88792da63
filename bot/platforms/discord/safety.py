"""Keep what is shown from pinging, steering or formatting anything that our own markup does not."""

from __future__ import annotations

import re
import unicodedata

from bot.platforms.discord.limits import BUTTON_URL
from bot.platforms.wording import address_within, one_line, shortened, units

_SPECIAL = re.compile(r"[\\*_~`|<\[\]]")
# What only means something at the beginning of a line: headings, small print, lists, quotations.
_LINE_START = re.compile(r"^(\s*)([#>+-]|\d+(?=[.)]))", re.MULTILINE)
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9/:.?=&%+_~#-]*[A-Za-z0-9/]")
_STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e")
"""Characters that turn the direction of what follows; isolates and marks for right-to-left text stay."""

_PARENTHESES = str.maketrans({"(": "%28", ")": "%29"})


def safe(text: str) -> str:
    """Return text without characters that Discord refuses or that steer others."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\t", " ")
        if character == "\n" or (unicodedata.category(character) not in {"Cc", "Cs"} and character not in _STEERING)
    )


def escaped(text: str, *, line_start: bool = False) -> str:
    """Return text in which nothing is Markdown, a mention or a masked link.

    A bare address stays as it is: Discord shows it as a link by itself, and would show backslashes in it.
    `line_start` tells that the text begins a line.
    """
    parts: list[str] = []
    at = 0
    for match in _PLAIN_URL.finditer(text):
        parts += [_escape(text[at : match.start()]), match[0]]
        at = match.end()
    parts.append(_escape(text[at:]))
    whole = "".join(parts)
    return _LINE_START.sub(_escape_start, whole) if line_start else whole


def escaped_within(text: str, most: int) -> str:
    """Return text on one line, escaped and at most `most` long, ending in … where it was cut."""
    text = one_line(safe(text))
    kept = most
    while units(whole := escaped(shortened(text, kept), line_start=True)) > most:
        kept -= max(1, (units(whole) - most) // 2)
    return whole


def safe_url(url: str | None, most: int = BUTTON_URL) -> str | None:
    """Return an address that Discord takes, None where it is not one."""
    return address_within(url, most)


def in_parentheses(url: str) -> str:
    """Return an address as it stands in a masked link, which a parenthesis would end."""
    return url.translate(_PARENTHESES)


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def _escape_start(match: re.Match[str]) -> str:
    space, mark = match[1], match[2]
    # A backslash before a digit would be shown; the point after a number is what makes it a list.
    return f"{space}{mark}\\" if mark[0].isdigit() else f"{space}\\{mark}"
