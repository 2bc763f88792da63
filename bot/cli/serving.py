"""Start the bot, talk with it in the terminal, ask how it is."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import typer

from bot.cli.base import FINDINGS, NO_PLATFORM, USAGE, app, console, stop, the_dialogue, the_settings

if TYPE_CHECKING:
    from bot.settings import Settings


@app.command()
def run() -> None:
    """Start every platform that has a token; with none, the terminal chat."""
    # Until the platforms have handlers of their own, Ctrl-C ends the start as quietly as SIGTERM does.
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
    settings = the_settings()
    from bot.service.log import logger, setup_logs, unfailing

    sys.stderr = unfailing(sys.stderr)
    setup_logs(settings.bot_log)
    log = logger("bot")
    for variable, meant in settings.misspelt:
        log.warning(f"{variable} is set, but not known; did you mean {meant}?")
    if not (settings.telegram_token or settings.discord_token):
        _chat_instead(settings)
        return
    from bot.app import AppError, build_ledger, serve

    ledger = build_ledger(settings)
    dialogue = the_dialogue(settings, ledger)
    try:
        stopped = asyncio.run(serve(settings, dialogue, log.error, ledger))
    except AppError as error:
        stop(str(error), USAGE)
    if not stopped:
        stop("No platform is left, so the bot stops.", NO_PLATFORM)


def _chat_instead(settings: Settings) -> None:
    if not (sys.stdin and sys.stdin.isatty()):
        stop(
            "No platform has a token: set DISCORD_TOKEN or TELEGRAM_TOKEN (see .env.example), or start it in a terminal to chat.",
            USAGE,
        )
    _talk(settings, no_token=True)


@app.command()
def chat() -> None:
    """Talk with the same bot in the terminal; buttons are numbers, Ctrl-D ends."""
    _talk(the_settings())


def _talk(settings: Settings, *, no_token: bool = False) -> None:
    import contextlib

    from bot.platforms.terminal.adapter import TerminalChat
    from bot.service.log import setup_logs

    if sys.stdin is None:
        stop("The input is closed, so there is nobody to talk with; start it in a terminal.", USAGE)
    setup_logs(settings.bot_log)
    from bot.app import build_ledger, keeping

    ledger = build_ledger(settings)
    dialogue = the_dialogue(settings, ledger)
    if no_token:
        typer.echo(dialogue.knowledge.texts.terminal.no_token)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Line editing and the arrow keys; what was typed stays in this process.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    with keeping(ledger):
        TerminalChat(dialogue, console(), input).run()


@app.command()
def health() -> None:
    """Ask the bot that runs beside this command whether it can answer."""
    from bot.service.health import ask_health

    settings = the_settings()
    if settings.bot_http is None:
        stop("BOT_HTTP is off, so nothing can be asked; set it to host:port.", USAGE)
    ready, sentence = asyncio.run(ask_health(settings.bot_http.host, settings.bot_http.port))
    typer.echo(sentence)
    if not ready:
        raise typer.Exit(FINDINGS)
