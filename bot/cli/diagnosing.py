"""Find out what is wrong with how the bot is set up."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.base import FINDINGS, USAGE, app, console, progress, stop, the_settings

if TYPE_CHECKING:
    from bot.platforms.diagnosis import Diagnosis, Level
    from bot.settings import Settings

_COLOURS = {"ok": "green", "note": "yellow", "wrong": "bold red"}


@app.command()
def doctor(
    *,
    delete_webhook: Annotated[
        bool, typer.Option("--delete-webhook", help="Remove the webhook that Telegram holds for this bot.")
    ] = False,
) -> None:
    """Say in sentences what is wrong with the settings, the platforms and the knowledge; exit 1 if anything is."""
    settings = the_settings()
    if delete_webhook and not settings.telegram_token:
        stop("TELEGRAM_TOKEN is not set, so there is no webhook to remove; set it.", USAGE)
    from bot.platforms.diagnosis import Level
    from bot.service.log import setup_logs

    # What a library would warn about here is told as a sentence of ours.
    setup_logs(settings.bot_log)
    with progress("Asking") as tell:
        tell("settings and knowledge", 0.1)
        found = _of_settings(settings)
        if settings.bot_state.kind == "redis":
            found.append(asyncio.run(_of_shared_state(settings)))
        found.append(_of_knowledge(settings.bot_knowledge))
        tell("the platforms", 0.4)
        found += asyncio.run(_of_platforms(settings, delete_webhook=delete_webhook))
    from rich.markup import escape

    output = console()
    for diagnosis in found:
        output.print(
            _mark(diagnosis.level), escape(f"{diagnosis.about}: {diagnosis.text}"), markup=True, soft_wrap=True
        )
    if any(diagnosis.level is Level.WRONG for diagnosis in found):
        raise typer.Exit(FINDINGS)


def _mark(level: Level) -> str:
    return f"[{_COLOURS[level]}]{level:<5}[/]"


def _of_settings(settings: Settings) -> list[Diagnosis]:
    from bot.service.doctor import of_ledger_key, of_operator, of_state_file, of_tokens, of_variables

    tokens = {"DISCORD_TOKEN": bool(settings.discord_token), "TELEGRAM_TOKEN": bool(settings.telegram_token)}
    path = settings.bot_state.path
    return [
        *of_tokens(tokens),
        *of_operator(settings.bot_contact, settings.bot_privacy_url),
        *of_variables(settings.misspelt),
        of_ledger_key(settings.bot_ledger_key_file),
        *((of_state_file(path),) if path else ()),
    ]


async def _of_shared_state(settings: Settings) -> Diagnosis:
    from bot.app import build_store
    from bot.service.doctor import of_shared_state
    from bot.service.store import StoreError

    store = build_store(settings)
    try:
        await store.counts()
    except StoreError as error:
        return of_shared_state(str(error))
    finally:
        await store.close()
    return of_shared_state(None)


def _of_knowledge(folder: Path) -> Diagnosis:
    from bot.service.clock import today
    from bot.service.doctor import of_knowledge
    from bot.workshop.check import check_folder

    found = check_folder(folder, today())
    errors = sum(finding.severity == "error" for finding in found)
    return of_knowledge(errors, len(found) - errors)


async def _of_platforms(settings: Settings, *, delete_webhook: bool) -> list[Diagnosis]:
    from bot.knowledge.finding import KnowledgeError
    from bot.knowledge.loader import load
    from bot.service.doctor import of_unasked
    from bot.service.health import ask_health

    if not (settings.telegram_token or settings.discord_token):
        return []
    try:
        texts = load(settings.bot_knowledge).texts
    except KnowledgeError:
        # It has been told; without texts there are no commands to compare.
        return [of_unasked(delete_webhook=delete_webhook)]
    found: list[Diagnosis] = []

    def now() -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    if settings.telegram_token:
        from bot.platforms.telegram.diagnosis import diagnose as telegram

        address = settings.bot_http
        running = address is not None and "platforms.telegram ok" in (await ask_health(address.host, address.port))[1]
        found += await telegram(
            token=settings.telegram_token.get_secret_value(),
            base_url=settings.telegram_api_base_url,
            texts=texts,
            webhook=settings.telegram_webhook_url,
            now=now,
            running=running,
            delete_webhook=delete_webhook,
        )
    if settings.discord_token:
        from bot.platforms.discord.diagnosis import diagnose as discord

        count = settings.discord_shard_count
        found += await discord(
            token=settings.discord_token.get_secret_value(),
            base_url=settings.discord_api_base_url,
            texts=texts.commands,
            shards=count if isinstance(count, int) else (None if count == "auto" else 1),
            now=now,
        )
    return found
