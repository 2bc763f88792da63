"""Cut a message into the questions that it may hold."""

from __future__ import annotations

import re

MOST = 6
"""A message of more parts than this is a story; of it only the questions are parts."""

SHORTEST = 2
"""A part has at least this many words, so that "and why?" stays with what it belongs to."""

LONGEST_LIST = 30
"""In a message of more words than this, a bare "and" separates nothing."""

_START = (
    r"(?:what|whats|where|wheres|when|why|who|whos|whom|whose|which|how|hows|is|isnt|are|arent|"
    r"am|was|were|do|does|dont|doesnt|did|can|cant|could|will|would|should|shall|may|has|have|"
    r"had|tell me|explain|give me|show me|i want|i need|id like|please)"
)
_BEFORE = r"(?:(?:on|in|to|from|for|of|by|since|until|with|under|at) |if [^,?]{2,40}? (?=wh|how))?"
_LEAD = r"(?:(?:and|so|also|but|or|then|plus|ok|okay|oh|well|hi|hello|hey|second|finally)[ ,]+)*"
_ASKS = re.compile(rf"^{_LEAD}{_BEFORE}{_START}\b")
_SENTENCE = re.compile(r"(?<=[?!;])\s*|(?<=[a-z0-9)\"'][.:])\s+|\n+|\s+[-\u2013\u2014]+\s+|(?:^|\s)\(?[1-9]\)\s+")
_CLAUSE = re.compile(
    rf"\s*[,;]?\s+(?:and|or|plus|but|then)\s+(?:also\s+|then\s+)*(?={_BEFORE}{_START}\b)"
    rf"|\s*,\s*(?:and|or|plus|but)\s+(?:also\s+)?"
    rf"|\s*,\s+(?=(?:also\s+)?{_START}\b)"
    rf"|\s+(?:and also|as well as|and then)\s+"
)
_AND = re.compile(r"\s*,\s+|\s+(?:and|or|plus)\s+")


def split(cleaned: str) -> list[str]:
    """Return the parts that might each be a question of its own, else nothing."""
    questions: list[str] = []
    parts: list[str] = []
    for sentence in _SENTENCE.split(cleaned):
        for cut in _CLAUSE.split(sentence):
            part = _trimmed(cut)
            if part:
                parts.append(part)
                if asks(part):
                    questions.append(part)
    if len(parts) > MOST:
        parts = questions
    return parts if 2 <= len(parts) <= MOST else []


def asks(part: str) -> bool:
    """Tell whether a part is put as a question."""
    return part.endswith("?") or bool(_ASKS.match(part.replace("'", "")))


def split_list(cleaned: str) -> list[str]:
    """Return the parts of a short message between commas and bare "and"s, else nothing."""
    if len(cleaned.split()) > LONGEST_LIST:
        return []
    parts = [part for part in map(_trimmed, _AND.split(cleaned)) if part]
    return parts if 2 <= len(parts) <= MOST else []


def _trimmed(text: str) -> str:
    text = text.strip(" ,;.-\n")
    return text if len(text.split()) >= SHORTEST else ""
