"""Show a file of the knowledge line by line, each finding at the line that causes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.knowledge.finding import Finding
from bot.workshop.examples import example

_MOST_BYTES = 256 * 1024
"""As much as a file of the knowledge may have (design, section 4)."""


class SheetError(Exception):
    """Say in one sentence why a file is not shown."""


def sheet(folder: Path, path: str, findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the lines of a YAML file of `folder`, with the findings of that file. Raises SheetError.

    `path` comes from the page, so that it is looked up among the files that are there rather than opened.
    """
    known = {found.relative_to(folder).as_posix(): found for found in folder.rglob("*.yaml")}
    if path not in known:
        raise SheetError(f"{path[:200]} is not there (any more); choose another file.")
    file = known[path]
    if not file.resolve().is_relative_to(folder.resolve()):
        raise SheetError(f"{path} is a link that leaves the knowledge folder; put the file itself there.")
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise SheetError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    text = raw[:_MOST_BYTES].decode("utf-8", "replace")
    lines = text.removeprefix("\ufeff").removesuffix("\n").split("\n")
    return {"path": path, "lines": lines, "findings": [told(finding) for finding in findings if finding.path == path]}


def told(finding: Finding) -> dict[str, Any]:
    """Return a finding as the page shows it."""
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "what": finding.what,
        "remedy": finding.remedy,
        "example": example(finding) or "",
        "text": str(finding),
    }
