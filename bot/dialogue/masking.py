"""Take out of a text what could name a person, before anybody else reads it (design, section 6)."""

from __future__ import annotations

import re
import unicodedata

from bot.knowledge.texts import Masks

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
"""Characters that nobody sees, and that would hide what is to be found."""

_OVERLAID = re.compile(r"[\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Strokes and rings over a character that no writing needs once its accents are part of their letters."""

_OPEN, _CLOSE = r"[ ]?[(\[{<][ ]?", r"[ ]?[)\]}>][ ]?"
_AT = rf"(?:[ ]?@[ ]?|{_OPEN}(?:at|@){_CLOSE})"
_DOT = rf"(?:\.|{_OPEN}(?:dot|\.){_CLOSE}|[ ]\.[ ]?|(?<=[a-z\d])\u3002(?=[a-z]))"
_DOT_SAID = rf"(?:{_DOT}|[ ]dot[ ])"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_TAIL = r"(?::\d+)?(?:[/\\?#]\S*)?(?:[ ]/[ ]?\S+)*"
_LOCAL = r"(?:\"[^\"@]*\"|(?<![^\s@()<>\[\]{},;:\"])[^\s@()<>\[\]{},;:\"]+)"

_WHOLE_LINK = r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+"
_EMAIL = (
    rf"{_LOCAL}{_AT}{_LABEL}(?:{_DOT_SAID}{_LABEL})+{_TAIL}|{_LOCAL}@{_LABEL}"
    rf"|{_LOCAL}[ ]at[ ]{_LABEL}(?:{_DOT_SAID}{_LABEL})+{_TAIL}"
)
_LINK = (
    rf"(?<![\w@.]){_LABEL}(?:{_DOT}{_LABEL})*{_DOT}[^\W\d_]{{2,}}{_TAIL}"
    rf"|(?<!\w)linkedin[ ]dot[ ][a-z]{{2,}}{_TAIL}|/(?:in|pub|company|school)/\S+"
)
_NAME = r"@[ ]?[^\s@()<>\[\]{},;:!?\"]+|[^\s@#()<>\[\]{}]{2,32}#\d{4}\b"
_NUMBER = r"[+(]{0,2}\d(?:[\s().,:/\u2010-\u2015-]{0,3}\d)*"


_MOST_TURNS = 20
"""Far more than it takes."""


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_SIGNS = tuple(
    (_compiled(pattern), what)
    for pattern, what in (
        # Whole links first: what looks like an address in the middle of one would leave its end standing.
        (_WHOLE_LINK, "link"),
        (_EMAIL, "email"),
        (_LINK, "link"),
        (_NAME, "name"),
        (_NUMBER, "number"),
    )
)


def plain(text: str, most: int) -> str:
    """Return a text on one line without what nobody sees, cut at a word where it is longer than `most` characters."""
    shown = "".join(character if character.isprintable() else " " for character in _INVISIBLE.sub("", text))
    return _cut(" ".join(shown.split()), most, "…")


def mask(text: str, masks: Masks, most: int) -> str:
    """Return a text with e-mail addresses, links, @names and numbers replaced, cut to `most` characters.

    What only looks like such signs (full-width, mathematical, other digits) is read as what it looks like. A second
    time changes nothing, so what is kept is what was shown.
    """
    # One character can stand for eighteen; whatever is longer is cut off in the end.
    shown = _as_it_looks(text[: most + 1])[: 2 * most]
    # Until nothing is found any more: what was taken out or cut off may leave another sign where it stood.
    for _ in range(_MOST_TURNS):
        before = shown
        for pattern, what in _SIGNS:
            shown = pattern.sub(getattr(masks, what), shown)
        shown = _cut(" ".join(shown.split()), most, "...")
        if shown == before:
            break
    return shown


def _as_it_looks(text: str) -> str:
    # A filler that nobody sees can come out of another character, so that one look is not enough.
    shown = unicodedata.normalize("NFKC", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    shown = "".join(_looks(character) for character in _OVERLAID.sub("", shown))
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def _looks(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return character if character.isprintable() else " "


def _cut(text: str, most: int, end: str) -> str:
    if len(text) <= most:
        return text
    cut = text[: most - len(end)]
    return f"{(cut[: cut.rfind(' ')] if cut.rfind(' ') > most // 2 else cut).rstrip()}{end}"
