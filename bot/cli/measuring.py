"""Fit the matcher, and measure it on golden questions or those of a file."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
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
    whole_encoder,
)

if TYPE_CHECKING:
    from bot.dialogue.dialogue import Dialogue
    from bot.settings import Settings
    from bot.workshop.comparing import Move
    from bot.workshop.figures import Figures, Judged

_KEPT = 3600.0
"""Seconds for which other heads stay: another process may be about to read those that it has just fitted."""

_COMMITTED = "HEAD"
_NONE = "none"
_BESIDE = frozenset({"texts.yaml", "checkup.yaml", "letters"})
"""Files whose form follows the code and that say little about what is matched: where those of an earlier commit do not
fit the code of today, today's take their place."""


Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Also write the report as one web page.", show_default=False),
]
Compare = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="REF",
        help="Tell which questions moved since this commit; the word none compares nothing. Left out in a terminal: "
        "the last commit, where the knowledge differs from it.",
        show_default=False,
    ),
]


@app.command(name="test")
def measure_golden(
    *,
    held_back: Annotated[
        bool, typer.Option("--held-back", help="Measure on the questions that are held back for reports.")
    ] = False,
    compare: Compare = None,
    html: Html = None,
) -> None:
    """Measure on the golden questions; ends with 1 under a floor."""
    from bot.knowledge.loader import load_questions
    from bot.workshop.measuring import ask_all, ask_followups, golden

    _report_writable(html)
    settings = the_settings()
    reference = _reference(settings, compare)
    dialogue = the_dialogue(settings)
    questions = load_questions(settings.bot_knowledge, held_back=held_back)

    def ask(partner: Dialogue, whose: str) -> list[Judged]:
        with progress("Asking") as tell:
            judged = ask_all(partner, golden(questions), lambda done, of: tell(whose, done / of))
        return [*judged, *ask_followups(partner, questions)]

    judged = ask(dialogue, "golden questions")
    compared = _compared(settings, judged, reference, lambda partner: ask(partner, "the same of the earlier knowledge"))
    title = "Held-back questions" if held_back else "Golden questions"
    _report(title, judged, compared, html, examples=not held_back)


@app.command(name="eval")
def evaluate(
    file: Annotated[
        Path,
        typer.Argument(help="Lines of question, topic and also_ok, with tabs between them; or of message and kind."),
    ],
    *,
    compare: Compare = None,
    html: Html = None,
) -> None:
    """Measure on the questions of a file; ends with 1 under a floor."""
    from bot.workshop.measuring import FileError, ask_all, read_tsv, unknown_kinds

    _report_writable(html)
    settings = the_settings()
    knowledge = the_knowledge(settings.bot_knowledge)
    try:
        questions = read_tsv(file, knowledge.topics, knowledge.offtopic)
    except FileError as error:
        stop(str(error), USAGE)
    for told in unknown_kinds(questions, knowledge.offtopic):
        typer.echo(told, err=True)

    reference = _reference(settings, compare)

    def ask(partner: Dialogue) -> list[Judged]:
        with progress("Asking") as tell:
            return ask_all(partner, questions, lambda done, of: tell(file.name, done / of))

    judged = ask(the_dialogue(settings))
    _report(file.name, judged, _compared(settings, judged, reference, ask), html)


def _reference(settings: Settings, wanted: str | None) -> str | None:
    """Return the commit to compare with, None where there is nothing to compare; found out before the long work."""
    from bot.workshop.comparing import CompareError, differs

    if wanted == _NONE or (wanted is None and not sys.stdout.isatty()):
        return None
    reference = wanted or _COMMITTED
    try:
        if differs(settings.bot_knowledge, reference):
            return reference
    except CompareError as error:
        if wanted:
            stop(str(error), USAGE)
        typer.echo(str(error), err=True)
        return None
    if wanted:
        typer.echo(f"The knowledge is that of {reference}, so no question moved.", err=True)
    return None


def _compared(
    settings: Settings, judged: list[Judged], reference: str | None, ask: Callable[[Dialogue], list[Judged]]
) -> tuple[str, Figures, list[Move]] | None:
    """Ask the knowledge of a commit the same; None where there is none, or none that can be asked, which is told."""
    from bot.workshop.comparing import CompareError, fetch, moves
    from bot.workshop.figures import measure

    if not reference:
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="privacy-bot-") as scratch:
            before = ask(_dialogue_of(settings, fetch(settings.bot_knowledge, reference, Path(scratch) / "knowledge")))
    except CompareError as error:
        typer.echo(str(error), err=True)
        return None
    return reference, measure(before), moves(before, judged)


def _dialogue_of(settings: Settings, folder: Path) -> Dialogue:
    """Return the conversation partner of another knowledge; fitting it leaves the heads of the present one in place."""
    from bot.app import heads_path, training
    from bot.knowledge.finding import KnowledgeError
    from bot.knowledge.loader import load
    from bot.workshop.comparing import CompareError

    try:
        try:
            earlier = load(folder)
        except KnowledgeError as error:
            if not {finding.path.split("/")[0] for finding in error.findings} <= _BESIDE:
                raise
            for name in _BESIDE:
                if (settings.bot_knowledge / name).is_dir():
                    shutil.copytree(settings.bot_knowledge / name, folder / name, dirs_exist_ok=True)
                elif (settings.bot_knowledge / name).is_file():
                    shutil.copyfile(settings.bot_knowledge / name, folder / name)
            earlier = load(folder)
    except KnowledgeError as error:
        told = f"the earlier knowledge cannot be loaded ({error.findings[0]})"
        raise CompareError(f"Nothing is compared: {told}.") from None
    cache = settings.bot_cache
    if not heads_path(cache, training(earlier).digest()).exists():
        cache /= "compared"
    return the_dialogue(settings.model_copy(update={"bot_knowledge": folder, "bot_cache": cache}))


def _report(
    title: str,
    judged: list[Judged],
    compared: tuple[str, Figures, list[Move]] | None,
    html: Path | None,
    *,
    examples: bool = True,
) -> None:
    from bot.workshop.comparing import moved, sentence
    from bot.workshop.figures import measure
    from bot.workshop.report import report

    figures = measure(judged)
    console().print(report(figures, judged, examples=examples))
    if compared:
        reference, before, moves = compared
        if examples:
            console().print(moved(moves, (before, figures), reference))
        else:
            typer.echo(f"\nCompared with {reference}: {sentence(moves)}")
    if html:
        from bot.workshop.report_page import report_page
        from bot.workshop.writing import write_whole

        written = report_page(title, figures, judged, examples=examples, compared=compared)
        try:
            write_whole(html, written.encode("utf-8"))
        except OSError as error:
            stop(f"--html: {html} cannot be written ({error.strerror}); name a file that can.", USAGE)
        typer.echo(f"Wrote {html}.", err=True)
    if not figures.holds:
        raise typer.Exit(FINDINGS)


def _report_writable(html: Path | None) -> None:
    """Find out before the long work that its report has a place."""
    if html and (html.is_dir() or not html.absolute().parent.is_dir()):
        fault = "it is a folder" if html.is_dir() else "its folder does not exist"
        stop(f"--html: {html} cannot be written ({fault}); name a file in a folder that is there.", USAGE)


@app.command()
def fit(
    *,
    knowledge: Knowledge = None,
    cache: Cache = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing where nothing is to be done.")] = False,
    steps: Annotated[
        bool,
        typer.Option("--steps", hidden=True, help="Print each share that is done as a line, for another program."),
    ] = False,
) -> None:
    """Fit the matcher for the present knowledge and cache it."""
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

    with whole_encoder(), progress("Fitting the matcher") as tell:
        heads = fit_heads(learned, _print_step if steps else tell)
    try:
        heads.save(path)
        # Whoever fits is not always whoever serves (an image is built as root); there is no secret in it.
        path.chmod(0o644)
        _tidy(cache, path)
    except OSError as error:
        stop(f"BOT_CACHE: {cache} cannot be written ({error.strerror}); name a folder that can.", USAGE)
    if not quiet:
        typer.echo(f"Fitted {len(learned.topics)} topics ({path.name}).")


def _print_step(step: str, share: float) -> None:
    print(f"{share:.3f} {step}", flush=True)


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
