"""Fit the matcher, and measure it on golden questions or those of a file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.base import (
    FINDINGS,
    USAGE,
    Cache,
    Knowledge,
    app,
    console,
    progress,
    stop,
    the_dialogue,
    the_knowledge,
    the_settings,
)

if TYPE_CHECKING:
    from bot.workshop.figures import Judged

_KEPT = 3600.0
"""Seconds for which other heads stay: another process may be about to read those that it has just fitted."""


@app.command(name="test")
def measure_golden(
    *,
    held_back: Annotated[
        bool, typer.Option("--held-back", help="Measure on the questions that are held back for reports.")
    ] = False,
) -> None:
    """Measure on the golden questions; ends with 1 under a floor."""
    from bot.knowledge.loader import load_questions
    from bot.workshop.measuring import ask_all, ask_followups, golden

    settings = the_settings()
    dialogue = the_dialogue(settings)
    questions = load_questions(settings.bot_knowledge, held_back=held_back)
    with progress("Asking") as tell:
        judged = ask_all(dialogue, golden(questions), lambda done, of: tell("golden questions", done / of))
    _report([*judged, *ask_followups(dialogue, questions)])


@app.command(name="eval")
def evaluate(
    file: Annotated[Path, typer.Argument(help="Lines of question, topic and also_ok, with tabs between them.")],
) -> None:
    """Measure on the questions of a file; ends with 1 under a floor."""
    from bot.workshop.measuring import FileError, ask_all, read_tsv

    dialogue = the_dialogue(the_settings())
    try:
        questions = read_tsv(file, dialogue.knowledge.topics)
    except FileError as error:
        stop(str(error), USAGE)
    with progress("Asking") as tell:
        judged = ask_all(dialogue, questions, lambda done, of: tell(file.name, done / of))
    _report(judged)


def _report(judged: list[Judged]) -> None:
    from bot.workshop.figures import measure
    from bot.workshop.report import report

    figures = measure(judged)
    console().print(report(figures, judged))
    if not figures.holds:
        raise typer.Exit(FINDINGS)


@app.command()
def fit(
    *,
    knowledge: Knowledge = None,
    cache: Cache = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing where nothing is to be done.")] = False,
) -> None:
    """Fit the matcher for the present knowledge and cache it."""
    import contextlib

    from bot.app import heads_path, training
    from bot.matching.heads import Heads, HeadsError

    settings = the_settings()
    folder, cache = knowledge or settings.bot_knowledge, cache or settings.bot_cache
    learned = training(the_knowledge(folder))
    digest = learned.digest()
    path = heads_path(cache, digest)
    with contextlib.suppress(HeadsError):
        Heads.load(path, digest)
        if not quiet:
            typer.echo(f"The matcher is fitted already ({path.name}).")
        return
    _writable(cache)
    from bot.matching.fit import fit as fit_heads

    with progress("Fitting the matcher") as tell:
        heads = fit_heads(learned, tell)
    try:
        heads.save(path)
        # Whoever fits is not always whoever serves (an image is built as root); there is no secret in it.
        path.chmod(0o644)
        _tidy(cache, path)
    except OSError as error:
        stop(f"BOT_CACHE: {cache} cannot be written ({error.strerror}); name a folder that can.", USAGE)
    if not quiet:
        typer.echo(f"Fitted {len(learned.topics)} topics ({path.name}).")


def _writable(cache: Path) -> None:
    """Find out before the long work that its result has a place."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        stop(f"BOT_CACHE: {cache} cannot be written ({error.strerror}); name a folder that can.", USAGE)


def _tidy(cache: Path, kept: Path) -> None:
    for old in cache.glob("heads-*.npz*"):
        if old != kept and time.time() - old.stat().st_mtime > _KEPT:
            old.unlink(missing_ok=True)
