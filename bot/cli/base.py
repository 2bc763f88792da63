"""Hold what every command of the console needs: settings, knowledge, a bar, and one way to stop."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bot.dialogue.dialogue import Dialogue
    from bot.dialogue.feedback import Ledger
    from bot.knowledge.finding import Finding, KnowledgeError
    from bot.knowledge.model import Knowledge as KnowledgeBase
    from bot.settings import Settings

DONE, FINDINGS, USAGE, NO_PLATFORM = 0, 1, 2, 3
"""Exit codes (design, section 5)."""

app = typer.Typer(
    help="Answers what LinkedIn's AI does with people's data, and how to stop it.",
    pretty_exceptions_enable=False,
    add_completion=False,
)

Knowledge = Annotated[
    Path | None, typer.Option(help="The knowledge folder; BOT_KNOWLEDGE where left out.", show_default=False)
]
Cache = Annotated[
    Path | None, typer.Option(help="Where fitted heads lie; BOT_CACHE where left out.", show_default=False)
]


def the_settings() -> Settings:
    """Return the settings; a bad one ends the command with its sentence."""
    from bot.settings import SettingsError, read_settings

    try:
        return read_settings()
    except SettingsError as error:
        stop(str(error), USAGE)


def the_knowledge(folder: Path) -> KnowledgeBase:
    """Return the knowledge of a folder; errors in it end the command with a line each."""
    from bot.knowledge.finding import KnowledgeError
    from bot.knowledge.loader import load

    try:
        return load(folder)
    except KnowledgeError as error:
        refused(folder, error)


def the_dialogue(settings: Settings, ledger: Ledger | None = None) -> Dialogue:
    """Return the conversation partner that every platform has, fitted and ready."""
    from bot.service.threads import one_thread

    one_thread()
    from bot.app import AppError, build_dialogue, build_mind
    from bot.knowledge.finding import KnowledgeError

    try:
        with whole_encoder():
            return build_dialogue(build_mind(settings), settings, ledger)
    except KnowledgeError as error:
        refused(settings.bot_knowledge, error)
    except AppError as error:
        stop(str(error), USAGE)


@contextlib.contextmanager
def whole_encoder() -> Iterator[None]:
    """End the command with one sentence where a file of the encoder is missing or another one."""
    from bot.matching.encoder import EncoderError

    try:
        yield
    except EncoderError as error:
        stop(
            f"{error}; this installation is damaged: get the file anew, in a checkout by git checkout -- bot/matching.",
            USAGE,
        )


def refused(folder: Path, error: KnowledgeError) -> NoReturn:
    """End the command with what is wrong in the knowledge."""
    root = relative(folder)
    for finding in error.findings:
        typer.echo(line(root, finding), err=True)
    stop("The knowledge has errors and was not loaded; mend the lines above.", FINDINGS)


def line(root: Path, finding: Finding) -> str:
    """Return a finding as an editor's program can follow it, from where the command was started."""
    if finding.path == ".":
        return f"{root}:1:1: {finding}"
    return str(finding) if str(root) == "." else f"{root}/{finding}"


def number(count: int, noun: str) -> str:
    """Return a count with its noun: 1 error, 2 errors."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def relative(folder: Path) -> Path:
    """Return a folder as it is named from where the command was started."""
    here = Path.cwd()
    absolute = folder.absolute()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else folder


def console(*, stderr: bool = False) -> Console:
    """Return the terminal to print on."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


class progress:  # noqa: N801 - used like a function
    """Show a bar in a terminal, nothing elsewhere; enters with a `tell(step, share)`."""

    def __init__(self, title: str) -> None:
        from rich.progress import Progress

        self._title = title
        self._progress = Progress(console=console(stderr=True), transient=True, disable=not sys.stderr.isatty())

    def __enter__(self) -> Callable[[str, float], None]:
        self._progress.start()
        task = self._progress.add_task(self._title, total=1.0)

        def tell(step: str, share: float) -> None:
            self._progress.update(task, completed=share, description=f"{self._title}: {step}")

        return tell

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def stop(sentence: str, code: int) -> NoReturn:
    """End the command with one sentence and an exit code."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
