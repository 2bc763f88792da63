"""Say what is wrong in the knowledge, where, and what to do about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

_LONGEST = 400
"""Characters of a sentence; a key or text that fills the file is told by its beginning."""

_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class Severity(StrEnum):
    """Tell what may not be loaded from what is only untidy."""

    ERROR = "error"
    FINDING = "finding"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong with one place of one file.

    `path` is relative to the knowledge folder, `line` and `column` count from 1, `key` is the dotted
    name of the value (`links.0.url`), `code` names the rule. A `dated` finding depends on today's date.
    """

    path: str
    line: int
    column: int
    code: str
    what: str
    remedy: str
    key: str = ""
    severity: Severity = Severity.ERROR
    dated: bool = False

    def __str__(self) -> str:
        """Write the finding as `path:line:column: what; remedy`."""
        told = (_shown(part) for part in (self.path, self.what, self.remedy))
        if self.path == ".":
            return f"{_shown(self.what)}; {_shown(self.remedy)}"
        return "{1}:{0.line}:{0.column}: {2}; {3}".format(self, *told)


class KnowledgeError(Exception):
    """Refuse a knowledge folder; `findings` holds every error in it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))


def _shown(text: str) -> str:
    """Return `text` so that it fits on one line and moves no cursor, whatever an editor pasted into it."""
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return _UNSHOWN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that `word` was probably meant to be, or None."""
    names: Sequence[str] = sorted(known)
    found = process.extractOne(word, names, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=65)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a remedy: the nearest known name, or `otherwise` when none is near."""
    near = nearest(word, known)
    if not near:
        return otherwise
    # Two words that look the same tell an editor nothing; the letter that differs does.
    odd = next((letter for letter in word if not letter.isascii()), None)
    note = f" (it holds {unicodedata.name(odd, 'a special character')}, U+{ord(odd):04X})" if odd else ""
    return f'did you mean "{near}"?{note}'
