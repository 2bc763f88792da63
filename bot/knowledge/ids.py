"""Check lists of ids: that each one exists, and stands there once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.knowledge.finding import Finding, did_you_mean
from bot.knowledge.yaml_text import Document, KeyPath


def ids_known(
    document: Document, path: KeyPath, ids: Sequence[str], known: Iterable[str], noun: str, otherwise: str
) -> Iterator[Finding]:
    """Yield an error for each id of the list at `path` that is not known, or stands there twice.

    `noun` is what the ids stand for, `otherwise` the remedy where no known id is like the one that was written.
    """
    known = set(known)
    for index, id in enumerate(ids):
        if id not in known:
            what, remedy = f'{path[-1]}: the {noun} "{id}" is not known', did_you_mean(id, known, otherwise)
            yield document.finding((*path, index), f"unknown-{noun}", what, remedy)
        elif id in ids[:index]:
            what = f'{path[-1]}: the {noun} "{id}" stands twice'
            yield document.finding((*path, index), f"duplicate-{noun}", what, "delete one")
