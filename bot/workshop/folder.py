"""Write a folder whole or not at all, and replace only what was written by the same hand."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

MARK = ".privacy-bot-export.json"
"""Lists the files of an export, so that the next one knows what it may replace."""


class FolderError(Exception):
    """Say in one sentence why a folder is not written."""


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder of their own, in place of an earlier export; raises FolderError.

    Everything is written beside the folder first and then put in its place, so that nobody finds half of it.
    """
    folder = folder.absolute()
    target = folder.resolve()
    _may_replace(target, folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            fresh, earlier = Path(scratch) / "new", Path(scratch) / "old"
            for name, text in {**files, MARK: json.dumps(sorted(files), indent=0)}.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_text(text, encoding="utf-8")
            if target.exists():
                target.rename(earlier)
            try:
                fresh.rename(target)
            except OSError:
                if earlier.exists():
                    earlier.rename(target)
                raise
    except OSError as error:
        raise FolderError(f"{folder} cannot be written ({error.strerror}); name a folder that can.") from error


def _may_replace(target: Path, named: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise FolderError(f"{named} is a file; name a folder.")
    if target == Path.cwd().resolve() or target in Path.cwd().resolve().parents:
        raise FolderError(f"{named} is the folder that you are in; name another one.")
    try:
        there = {
            path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir() or path.is_symlink()
        }
        ours = {*json.loads((target / MARK).read_text(encoding="utf-8")), MARK} if MARK in there else set()
    except (OSError, ValueError, TypeError) as error:
        raise FolderError(f"{named} cannot be read as an earlier export; delete it or name another folder.") from error
    if foreign := sorted(there - ours):
        raise FolderError(
            f"{named} holds what is no earlier export ({foreign[0]}), and nothing of it was touched; name an empty or a new folder."
        )
