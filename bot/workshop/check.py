"""Check a knowledge folder: the loader's errors, and what an editor would want to mend."""

from __future__ import annotations

import datetime
from pathlib import Path

from bot.knowledge.finding import Finding
from bot.knowledge.loader import build, read
from bot.workshop import editorial, rendered


def check_folder(folder: Path, today: datetime.date | None = None) -> list[Finding]:
    """Return all errors and findings of a folder, sorted by place; dated ones only with `today`."""
    draft, errors = read(folder)
    findings = [finding for rule in editorial.RULES for finding in rule(draft)]
    if today:
        findings += [finding for rule in editorial.DATED_RULES for finding in rule(draft, today)]
    if not errors:
        # Only a whole knowledge can be drawn.
        knowledge = build(draft, "")
        findings += [finding for rule in rendered.RULES for finding in rule(knowledge, draft)]
    return sorted({*errors, *findings})
