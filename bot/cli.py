"""Offer every command of the project under one name."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bot.dialogue.dialogue import Dialogue
    from bot.knowledge.finding import Finding, KnowledgeError
    from bot.knowledge.model import Knowledge as KnowledgeBase
    from bot.settings import Settings
    from bot.workshop.figures import Judged

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


def main() -> None:
    """Run the console command."""
    # A reader that goes away (`… | head`) is no fault.
    try:
        app(prog_name="privacy-bot")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None
    except OSError as error:
        # A full disk behind `… > file`, which Python notices at any write.
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO} or error.filename:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"The output cannot be written ({error.strerror}); make room or choose another file.\n")
        raise SystemExit(USAGE) from None


@app.callback(invoke_without_command=True)
def _bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run() -> None:
    """Start every platform that has a token; with none, the terminal chat."""
    # Until the platforms have handlers of their own; whoever stops the start stops the fitting with it.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _stopped)
    settings = _settings()
    from bot.service.log import logger, setup_logs

    setup_logs(settings.bot_log)
    log = logger("bot")
    for variable in settings.unread:
        log.warning(f"{variable} is set, but this version does not read it yet.")
    for variable, meant in settings.misspelt:
        log.warning(f"{variable} is set, but not known; did you mean {meant}?")
    if not (settings.telegram_token or settings.discord_token):
        _chat_instead(settings)
        return
    dialogue = _dialogue(settings)
    from bot.app import AppError, build_platforms, serve

    platforms = build_platforms(settings, dialogue)
    try:
        stopped = asyncio.run(serve(settings, dialogue, platforms, log.error))
    except AppError as error:
        _stop(str(error), USAGE)
    if not stopped:
        _stop("No platform is left, so the bot stops.", NO_PLATFORM)


def _stopped(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(DONE)


def _chat_instead(settings: Settings) -> None:
    if not (sys.stdin and sys.stdin.isatty()):
        _stop(
            "No platform has a token: set DISCORD_TOKEN or TELEGRAM_TOKEN (see .env.example), or start it in a terminal to chat.",
            USAGE,
        )
    dialogue = _dialogue(settings)
    typer.echo(dialogue.knowledge.texts.terminal.no_token)
    _talk(dialogue)


@app.command()
def chat() -> None:
    """Talk with the same bot in the terminal; buttons are numbers, Ctrl-D ends."""
    _talk(_dialogue(_settings()))


def _talk(dialogue: Dialogue) -> None:
    import contextlib

    from bot.platforms.terminal.adapter import TerminalChat

    if sys.stdin is None:
        _stop("The input is closed, so there is nobody to talk with; start it in a terminal.", USAGE)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Line editing and the arrow keys; what was typed stays in this process.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    TerminalChat(dialogue, _console(), input).run()


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.", show_default=False)] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Explain the decision.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read a question a line, print a JSON line each.")] = False,
    dialogue: Annotated[
        bool, typer.Option("--dialogue", help="With --stdin: lines are one conversation, an empty line ends it.")
    ] = False,
) -> None:
    """Answer one question, or one a line."""
    if stdin == (question is not None):
        _stop('Give either one question in quotes (privacy-bot ask "…") or --stdin.', USAGE)
    if dialogue and not stdin:
        _stop("--dialogue goes with --stdin.", USAGE)
    if why and stdin:
        _stop("--why explains one question; leave out --stdin.", USAGE)
    partner = _dialogue(_settings())
    from bot.workshop.asking import answered, conversation_lines, explained

    if stdin:
        lines = (line.removesuffix("\n").removesuffix("\r") for line in _stdin_lines())
        for line in (
            conversation_lines(partner, lines) if dialogue else (answered(partner, text).json() for text in lines)
        ):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        return
    assert question is not None
    # The shell passes on bytes that are no text; like those of a file they are replaced.
    question = question.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if as_json:
        typer.echo(answered(partner, question).json())
    else:
        from bot.platforms.terminal.render import render

        _console().print(render(answered(partner, question).reply, numbered=False).printed)
    if why:
        _console(stderr=as_json).print(explained(partner, question))


def _stdin_lines() -> Iterator[str]:
    # A stray byte must not end a long run; it is replaced and the question is matched without it.
    for raw in iter(sys.stdin.buffer.readline, b"") if sys.stdin else ():
        yield raw.decode("utf-8", "replace")


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="The knowledge folder; BOT_KNOWLEDGE where left out.", show_default=False)
    ] = None,
    *,
    dates: Annotated[
        bool, typer.Option("--dates", help="Also report what depends on today's date: overdue reviews.")
    ] = False,
) -> None:
    """Report errors and findings in the knowledge, a line each."""
    from bot.service.clock import today
    from bot.workshop.check import check_folder

    shown = folder or _settings().bot_knowledge
    root = _relative(shown)
    found = check_folder(shown, today() if dates else None)
    for finding in found:
        typer.echo(_line(root, finding))
    if found:
        errors = sum(finding.severity == "error" for finding in found)
        typer.echo(f"{_number(errors, 'error')}, {_number(len(found) - errors, 'finding')}", err=True)
        raise typer.Exit(FINDINGS)


def _line(root: Path, finding: Finding) -> str:
    """Return a finding as an editor's program can follow it, from where the command was started."""
    if finding.path == ".":
        return f"{root}:1:1: {finding}"
    return str(finding) if str(root) == "." else f"{root}/{finding}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


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

    settings = _settings()
    dialogue = _dialogue(settings)
    questions = load_questions(settings.bot_knowledge, held_back=held_back)
    with _progress("Asking") as tell:
        judged = ask_all(dialogue, golden(questions), lambda done, of: tell("golden questions", done / of))
    _report([*judged, *ask_followups(dialogue, questions)])


@app.command(name="eval")
def evaluate(
    file: Annotated[Path, typer.Argument(help="Lines of question, topic and also_ok, with tabs between them.")],
) -> None:
    """Measure on the questions of a file; ends with 1 under a floor."""
    from bot.workshop.measuring import FileError, ask_all, read_tsv

    dialogue = _dialogue(_settings())
    try:
        questions = read_tsv(file, dialogue.knowledge.topics)
    except FileError as error:
        _stop(str(error), USAGE)
    with _progress("Asking") as tell:
        judged = ask_all(dialogue, questions, lambda done, of: tell(file.name, done / of))
    _report(judged)


def _report(judged: list[Judged]) -> None:
    from bot.workshop.figures import measure
    from bot.workshop.report import report

    figures = measure(judged)
    _console().print(report(figures, judged))
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

    settings = _settings()
    folder, cache = knowledge or settings.bot_knowledge, cache or settings.bot_cache
    learned = training(_loaded(folder))
    digest = learned.digest()
    path = heads_path(cache, digest)
    with contextlib.suppress(HeadsError):
        Heads.load(path, digest)
        if not quiet:
            typer.echo(f"The matcher is fitted already ({path.name}).")
        return
    _writable(cache)
    from bot.matching.fit import fit as fit_heads

    with _progress("Fitting the matcher") as tell:
        heads = fit_heads(learned, tell)
    try:
        heads.save(path)
        # Whoever fits is not always whoever serves (an image is built as root); there is no secret in it.
        path.chmod(0o644)
        _tidy(cache, path)
    except OSError as error:
        _stop(f"BOT_CACHE: {cache} cannot be written ({error.strerror}); name a folder that can.", USAGE)
    if not quiet:
        typer.echo(f"Fitted {len(learned.topics)} topics ({path.name}).")


_KEPT = 3600.0
"""Seconds for which other heads stay: another process may be about to read those that it has just fitted."""


def _writable(cache: Path) -> None:
    """Find out before the long work that its result has a place."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        _stop(f"BOT_CACHE: {cache} cannot be written ({error.strerror}); name a folder that can.", USAGE)


def _tidy(cache: Path, kept: Path) -> None:
    for old in cache.glob("heads-*.npz*"):
        if old != kept and time.time() - old.stat().st_mtime > _KEPT:
            old.unlink(missing_ok=True)


@app.command(hidden=True)
def picture() -> None:
    """Draw the README's picture of an answer anew."""
    from bot.workshop.picture import FILE, picture

    FILE.write_text(picture(_dialogue(_settings())), encoding="utf-8")
    typer.echo(f"Drew {FILE}.")


@app.command()
def health() -> None:
    """Ask the bot that runs beside this command whether it can answer."""
    from bot.service.health import ask_health

    settings = _settings()
    if settings.bot_http is None:
        _stop("BOT_HTTP is off, so nothing can be asked; set it to host:port.", USAGE)
    ready, sentence = asyncio.run(ask_health(settings.bot_http.host, settings.bot_http.port))
    typer.echo(sentence)
    if not ready:
        raise typer.Exit(FINDINGS)


def _settings() -> Settings:
    from bot.settings import SettingsError, read_settings

    try:
        return read_settings()
    except SettingsError as error:
        _stop(str(error), USAGE)


def _loaded(folder: Path) -> KnowledgeBase:
    from bot.knowledge.finding import KnowledgeError
    from bot.knowledge.loader import load

    try:
        return load(folder)
    except KnowledgeError as error:
        _refused(folder, error)


def _dialogue(settings: Settings) -> Dialogue:
    from bot.service.threads import one_thread

    one_thread()
    from bot.app import AppError, build_dialogue, build_mind
    from bot.knowledge.finding import KnowledgeError

    try:
        return build_dialogue(build_mind(settings), settings)
    except KnowledgeError as error:
        _refused(settings.bot_knowledge, error)
    except AppError as error:
        _stop(str(error), USAGE)


def _refused(folder: Path, error: KnowledgeError) -> NoReturn:
    root = _relative(folder)
    for finding in error.findings:
        typer.echo(_line(root, finding), err=True)
    _stop("The knowledge has errors and was not loaded; mend the lines above.", FINDINGS)


def _relative(folder: Path) -> Path:
    here = Path.cwd()
    absolute = folder.absolute()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else folder


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


class _progress:  # noqa: N801 - used like a function
    """Show a bar in a terminal, nothing elsewhere; enters with a `tell(step, share)`."""

    def __init__(self, title: str) -> None:
        from rich.progress import Progress

        self._title = title
        self._progress = Progress(console=_console(stderr=True), transient=True, disable=not sys.stderr.isatty())

    def __enter__(self) -> Callable[[str, float], None]:
        self._progress.start()
        task = self._progress.add_task(self._title, total=1.0)

        def tell(step: str, share: float) -> None:
            self._progress.update(task, completed=share, description=f"{self._title}: {step}")

        return tell

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _stop(sentence: str, code: int) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
