"""Look for what somebody typed, wherever a process could have left it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def traces(word: str, folders: Iterable[Path], pid: int | None = None) -> list[str]:
    """Return the files that hold a word: those in the folders, and those that the process has open."""
    encoded = word.encode()
    return [str(path) for path in {*_within(folders), *_opened(pid)} if encoded in _bytes(path)]


def _bytes(path: Path) -> bytes:
    """Return what a file holds; one that is gone by now, since others work in the folder too, holds nothing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _within(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def _opened(pid: int | None) -> Iterator[Path]:
    """Yield the files behind a process's descriptors, also those that no folder names any more (Linux only)."""
    descriptors = Path(f"/proc/{pid}/fd")
    if pid is None or not descriptors.is_dir():
        return
    for descriptor in descriptors.iterdir():
        try:
            is_file = descriptor.is_file()
        except OSError:
            continue
        if is_file:
            yield descriptor
