"""Tell which questions an edit moved: answered otherwise than by the knowledge of another commit."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from bot.workshop.figures import Figures, Judged, Set

_SHOWN = 25
_OF_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"})


class Change(StrEnum):
    """What a move means for people."""

    BETTER = "better"
    WORSE = "worse"
    OTHER = "as good"


@dataclass(frozen=True, slots=True)
class Move:
    """A question that is answered otherwise than before."""

    question: str
    expected: tuple[str, ...]
    before: str
    after: str
    change: Change


class CompareError(Exception):
    """Say in one sentence why there is nothing to compare with."""


def moves(before: Iterable[Judged], after: Iterable[Judged]) -> list[Move]:
    """Return the questions whose answer differs, the worse ones first; both runs asked the same, in the same order.

    What only shifts among wrong topics offered, or in the score, is no move. Questions with typos and those for device
    and place are left out: the former repeat others, the latter do not depend on what was learned.
    """
    found: list[Move] = []
    for old, new in zip(before, after, strict=True):
        if new.question.set in {Set.TYPOS, Set.SLOTS}:
            continue
        was, now = _outcome(old), _outcome(new)
        if was != now:
            gain = _worth(new) - _worth(old)
            change = Change.BETTER if gain > 0 else Change.WORSE if gain < 0 else Change.OTHER
            found.append(Move(new.question.text, new.question.topics, was, now, change))
    order = [Change.WORSE, Change.OTHER, Change.BETTER]
    return sorted(found, key=lambda move: order.index(move.change))


def _outcome(one: Judged) -> str:
    if one.answer.topics:
        return " + ".join(topic for topic, _ in one.answer.topics)
    if one.answer.offered:
        return "choices with the right one" if one.in_reach else "choices"
    return "no answer"


def _worth(one: Judged) -> int:
    """Return how well a message was served, more is better."""
    if one.question.set is Set.OFF_TOPIC:
        return 0 if one.answered else 1 if one.answer.offered else 2
    if one.question.set is Set.MULTI:
        return 3 if one.complete else 2 if one.right else 0 if one.wrong else 1
    return 3 if one.right else 2 if one.in_reach and not one.answered else 0 if one.wrong else 1


def moved(found: Sequence[Move], figures: tuple[Figures, Figures], reference: str) -> RenderableType:
    """Return the moves as an editor reads them, and the figures that changed with them."""
    if not found:
        return Text(f"\nCompared with {reference}: this edit moved no question.")
    parts: list[RenderableType] = [Text(f"\nCompared with {reference}: {sentence(found)}", style="bold")]
    for move in found[:_SHOWN]:
        style = {Change.WORSE: "red", Change.BETTER: "green"}.get(move.change, "")
        expected = " + ".join(move.expected) or "nothing"
        parts.append(Text(f"  {move.change}: “{move.question[:90]}”", style=style))
        parts.append(Text(f"      {move.before} → {move.after}  (expected: {expected})"))
    if len(found) > _SHOWN:
        parts.append(Text(f"  … and {len(found) - _SHOWN} more; --html FILE lists them all."))
    parts += [Text(f"  {name}: {was:.3f} → {now:.3f}") for name, was, now in changed_figures(*figures)]
    return Group(*parts)


def sentence(found: Sequence[Move]) -> str:
    """Return how many questions moved, and in which direction."""
    noun = "question" if len(found) == 1 else "questions"
    counts = {change: sum(move.change is change for move in found) for change in Change}
    told = ", ".join(f"{count} {change}" for change, count in counts.items() if count)
    return f"this edit moved {len(found)} {noun} ({told})."


def changed_figures(before: Figures, after: Figures) -> list[tuple[str, float, float]]:
    """Return the figures that differ by what the report shows, with their values before and after."""
    return [
        (new.name, old.value, new.value)
        for old, new in zip(before.figures, after.figures, strict=True)
        if old.value is not None and new.value is not None and f"{old.value:.3f}" != f"{new.value:.3f}"
    ]


def differs(folder: Path, reference: str) -> bool:
    """Tell whether a knowledge folder differs from that of a commit, new files included. Raises CompareError."""
    _known(folder, reference)
    changed = _git(folder, "diff", "--name-only", reference, "--", ".")
    fresh = _git(folder, "ls-files", "--others", "--exclude-standard", "--", ".")
    return bool(changed.strip() or fresh.strip())


def changed_entries(folder: Path, reference: str) -> list[str]:
    """Return the ids of topics and letters whose files differ from those of a commit or are new. Raises CompareError."""
    _known(folder, reference)
    kinds = ("topics", "letters")
    listed = _git(folder, "diff", "--relative", "--name-only", "--diff-filter=d", reference, "--", *kinds).decode()
    listed += _git(folder, "ls-files", "--others", "--exclude-standard", "--", *kinds).decode()
    return sorted({Path(line).stem for line in listed.splitlines() if line.endswith(".yaml")})


def fetch(folder: Path, reference: str, into: Path) -> Path:
    """Write the knowledge folder as it is in a commit below `into` and return its path. Raises CompareError."""
    _known(folder, reference)
    prefix = _git(folder, "rev-parse", "--show-prefix").decode().strip()
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().removesuffix("\n"))
    try:
        # From the top, because git would look for the folder of the command inside of the tree as well.
        archive = _git(top, "archive", "--format=tar", f"{reference}:{prefix}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                # Only files, and only below the folder: early releases of Python 3.11 cannot filter by themselves.
                target = into / member.name.lstrip("/")
                content = tar.extractfile(member) if member.isfile() and ".." not in target.parts else None
                if content:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
    except (CompareError, tarfile.TarError) as error:
        raise CompareError(f"{folder} is not part of {reference}, so there is nothing to compare with.") from error
    return into


def _known(folder: Path, reference: str) -> None:
    try:
        _git(folder, "rev-parse", "--show-toplevel")
    except CompareError as error:
        raise CompareError(f"Nothing is compared: {error}") from error
    try:
        _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    except CompareError as error:
        raise CompareError(f'Nothing is compared: git knows no commit "{reference}" here.') from error


def _environment() -> dict[str, str]:
    """Return an environment in which git looks for the repository of the folder, also when a hook of git runs us."""
    return {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - git itself, with arguments of our own
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git stands wherever the system has it
            capture_output=True, check=False, timeout=60, env=_environment(),
        )  # fmt: skip
    except FileNotFoundError:
        raise CompareError("git is not installed.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompareError(f"git could not be run ({error}).") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CompareError(
            f"{folder} is under no version control (git)." if "not a git repository" in "".join(told)
            else (told[-1] if told else "git refused it.")
        )  # fmt: skip
    return done.stdout
