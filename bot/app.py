"""Build the parts from the settings and join them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.screens import Operator
from bot.dialogue.suggest import Suggestions
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.matching.engine import Engine
from bot.matching.heads import Heads, HeadsError
from bot.matching.model import Matcher, Training
from bot.matching.slots import DeviceWords, Place, PlaceWords, Slots
from bot.platforms.platform import Platform, random_reference
from bot.service.clock import today
from bot.service.ending import end_within, ignore_signals
from bot.service.health import HealthServer
from bot.service.log import logger
from bot.service.reload import RefitError, Reloader, changes_in
from bot.service.supervisor import Health, Supervisor
from bot.service.threads import environment_for_fitting
from bot.settings import Settings

log = logger("bot.app")

FORGET_EVERY = 30.0
"""Seconds between looks for conversations whose ten minutes are over."""

END_WITHIN = 4.7
"""Seconds from a signal to the end of the process, whatever hangs; promised are five."""


class AppError(Exception):
    """Stop the program with one sentence for whoever started it."""


def training(knowledge: Knowledge) -> Training:
    """Return what the matcher learns from: titles and asks by topic, off-topic messages by kind."""
    return Training(
        topics={id: tuple(dict.fromkeys((topic.title, *topic.form.asks))) for id, topic in knowledge.topics.items()},
        offtopic=dict(knowledge.offtopic),
        related={id: tuple(topic.form.related) for id, topic in knowledge.topics.items()},
    )


def heads_path(cache: Path, digest: str) -> Path:
    """Return where the heads of a knowledge lie."""
    return cache / f"heads-{digest[:20]}.npz"


def build_mind(settings: Settings, *, fit: Callable[[Settings], None] | None = None) -> Mind:
    """Load the knowledge and its heads; fits them first, in a child process, where they are missing.

    Raises KnowledgeError for a knowledge that cannot be loaded, AppError where fitting fails.
    """
    knowledge = load(settings.bot_knowledge)
    return mind_of(knowledge, Engine(load_heads(settings, knowledge, fit or fit_in_child)))


def mind_of(knowledge: Knowledge, matcher: Matcher) -> Mind:
    """Join a knowledge with a matcher, and with what else follows from it."""
    return Mind(knowledge, matcher, slots(knowledge), Suggestions(knowledge))


def build_reloader(dialogue: Dialogue, settings: Settings) -> Reloader:
    """Return what keeps the dialogue's knowledge that of its folder."""

    async def refit(knowledge: Knowledge) -> Matcher:
        with contextlib.suppress(HeadsError):
            return Engine(await asyncio.to_thread(_cached, settings, knowledge))
        await fit_beside(settings)
        try:
            return Engine(await asyncio.to_thread(_cached, settings, knowledge))
        except HeadsError as error:
            raise RefitError(f"The new phrasings were fitted, but their file cannot be read ({error}).") from error

    return Reloader(
        dialogue,
        load=lambda: load(settings.bot_knowledge),
        remade=mind_of,
        digest=lambda knowledge: training(knowledge).digest(),
        refit=refit,
        log=log,
    )


def load_heads(settings: Settings, knowledge: Knowledge, fit: Callable[[Settings], None]) -> Heads:
    """Return the heads for `knowledge`, fitted before if need be."""
    with contextlib.suppress(HeadsError):
        return _cached(settings, knowledge)
    fit(settings)
    try:
        return _cached(settings, knowledge)
    except HeadsError as error:
        raise AppError(f"The matcher was fitted, but its file cannot be read ({error}).") from error


def _cached(settings: Settings, knowledge: Knowledge) -> Heads:
    digest = training(knowledge).digest()
    return Heads.load(heads_path(settings.bot_cache, digest), digest)


def fit_in_child(settings: Settings) -> None:
    """Fit in a process of its own, so that what fitting needs is never in the memory of serving."""
    done = subprocess.run(  # noqa: S603 - our own command
        _fitting(settings), check=False, stdout=sys.stderr, env=environment_for_fitting()
    )
    if done.returncode:
        raise AppError("The matcher could not be fitted; the lines above say why.")


async def fit_beside(settings: Settings) -> None:
    """Fit in a process of its own while this one goes on answering; raises RefitError. Cancelling ends that process."""
    process = await asyncio.create_subprocess_exec(
        *_fitting(settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment_for_fitting()
    )
    try:
        if await process.wait():
            raise RefitError(
                "The new phrasings could not be learned, so the previous ones go on answering; run privacy-bot fit to see why."
            )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _fitting(settings: Settings) -> list[str]:
    folders = ["--knowledge", str(settings.bot_knowledge), "--cache", str(settings.bot_cache)]
    return [sys.executable, "-m", "bot", "fit", *folders]


def slots(knowledge: Knowledge) -> Slots:
    """Return the recogniser of devices and places for a knowledge's words."""
    places = tuple(
        Place(
            id,
            form.name,
            tuple(form.wider),
            tuple(form.people),
            tuple(form.cities),
            tuple(form.also),
            tuple(form.codes),
            tuple(form.careful),
        )
        for id, form in knowledge.places.items()
    )
    form = knowledge.devices
    devices = DeviceWords(
        devices={id: tuple(device.words) for id, device in form.devices.items()},
        browsers=tuple(form.browsers),
        phones=tuple(form.phones),
        makers=tuple(form.makers),
        trades=tuple(form.trades),
        traps=tuple(form.traps),
    )
    return Slots(PlaceWords(places, knowledge.place_traps), devices)


def build_dialogue(mind: Mind, settings: Settings) -> Dialogue:
    """Return the conversation partner for every platform."""
    kept = ("last_topic", "updates") if settings.telegram_token else ("last_topic",)
    operator = Operator(contact=settings.bot_contact, privacy_url=settings.bot_privacy_url, kept=kept)
    return Dialogue(mind, clock=time.monotonic, today=today, operator=operator)


def build_platforms(settings: Settings, dialogue: Dialogue) -> list[Platform]:
    """Return every platform that has a token; each library is only imported where it is used."""
    platforms: list[Platform] = []
    if settings.telegram_token:
        from bot.platforms.telegram.adapter import TelegramPlatform  # noqa: PLC0415

        platforms.append(
            TelegramPlatform(
                dialogue,
                token=settings.telegram_token.get_secret_value(),
                base_url=settings.telegram_api_base_url,
                clock=time.monotonic,
                log=logger("bot.telegram"),
                reference=random_reference,
            )
        )
    if settings.discord_token:
        from bot.platforms.discord.adapter import DiscordPlatform  # noqa: PLC0415

        platforms.append(
            DiscordPlatform(
                dialogue,
                token=settings.discord_token.get_secret_value(),
                base_url=settings.discord_api_base_url,
                shard_count=count if isinstance(count := settings.discord_shard_count, int) else None,
                shard_ids=ids if isinstance(ids := settings.discord_shard_ids, tuple) else None,
                recommended=count == "auto" or ids == "auto",
                slot_count=settings.discord_slots,
                log=logger("bot.discord"),
                reference=random_reference,
            )
        )
    return platforms


async def serve(settings: Settings, dialogue: Dialogue, platforms: list[Platform], tell: Callable[[str], None]) -> bool:
    """Run until a signal or until no platform is left; returns whether it was a signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, _stop, stop)
    loop.set_exception_handler(_log_loop_fault)
    supervisor = Supervisor(platforms, clock=time.monotonic, uniform=random.uniform, tell=tell)
    reloader = build_reloader(dialogue, settings)
    loop.add_signal_handler(signal.SIGHUP, reloader.look)
    health = await _start_health(settings, _parts(supervisor, dialogue, reloader), tell)
    beside = [
        asyncio.create_task(_forget(dialogue), name="forget"),
        asyncio.create_task(reloader.run(changes_in(settings.bot_knowledge)), name="reload"),
    ]
    log.info(
        "the bot is running", platforms=[platform.name for platform in platforms], knowledge=dialogue.knowledge.version
    )
    try:
        return await supervisor.run(stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        if health:
            await health.stop()
        if stop.is_set():
            ignore_signals(loop)


def _stop(stop: asyncio.Event) -> None:
    if not stop.is_set():
        stop.set()
        end_within(END_WITHIN)


async def _forget(dialogue: Dialogue) -> None:
    while True:
        await asyncio.sleep(FORGET_EVERY)
        dialogue.forget()


def _log_loop_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    log.error("a task failed unseen", exc_info=error if isinstance(error, BaseException) else None)


def _parts(supervisor: Supervisor, dialogue: Dialogue, reloader: Reloader) -> Callable[[], Mapping[str, str]]:
    def parts() -> Mapping[str, str]:
        found = {"knowledge": "ok" if dialogue.knowledge.topics else "down"}
        if reloader.refused:
            found["reload"] = f"degraded: {reloader.refused[0]}"
        elif reloader.stale:
            found["reload"] = "degraded: the new phrasings are still being learned"
        else:
            found["reload"] = "ok"
        for watch in supervisor.watches:
            state = "ok" if watch.can_answer else ("down" if watch.health is Health.ENDED else "degraded")
            found[f"platforms.{watch.platform.name}"] = state
        return found

    return parts


async def _start_health(
    settings: Settings, parts: Callable[[], Mapping[str, str]], tell: Callable[[str], None]
) -> HealthServer | None:
    address = settings.bot_http
    if address is None:
        return None
    server = HealthServer(address.host, address.port, parts)
    try:
        await server.start()
    except OSError as error:
        # The text of an error of asyncio says the address once more; that of an unknown host has no number.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        fault = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({reason})"
        where = f"{address.host}:{address.port}"
        if not settings.http_is_default:
            raise AppError(f"BOT_HTTP: {where} {fault}; choose another host:port, or off.") from error
        tell(f"{where} {fault}, so health is not served; set BOT_HTTP to another host:port, or to off.")
        return None
    return server
