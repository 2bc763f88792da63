"""Build the parts from the settings and join them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import hashlib
import itertools
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.feedback import Ledger
from bot.dialogue.phrases import Phrases
from bot.dialogue.screens import Operator
from bot.dialogue.suggest import Suggestions
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.matching.engine import Engine
from bot.matching.heads import Heads, HeadsError
from bot.matching.model import Matcher, Training
from bot.matching.slots import DeviceWords, Place, PlaceWords, Slots
from bot.platforms.claims import Claims, LocalClaims
from bot.platforms.pace import Pace
from bot.platforms.platform import Platform, random_reference
from bot.platforms.slots import Slots as LeasedSlots
from bot.service.clock import today
from bot.service.descriptors import LoopFaults, raise_limit
from bot.service.doctor import of_operator
from bot.service.ending import end_within, ignore_signals
from bot.service.flood import Counters, FloodGate, Names, RedisCounters
from bot.service.health import HealthServer
from bot.service.ledger import StoreLedger
from bot.service.log import logger
from bot.service.metrics import Metrics
from bot.service.reload import RefitError, Reloader, changes_in
from bot.service.store import MemoryStore, Store
from bot.service.supervisor import Health, Supervisor
from bot.service.threads import environment_for_fitting
from bot.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry

    from bot.platforms.telegram.webhook import Listen
    from bot.service.sealing import Seal
    from bot.service.sharing import SharedServer

log = logger("bot.app")

FORGET_EVERY = 30.0
"""Seconds between looks for conversations whose ten minutes are over."""

END_WITHIN = 4.7
"""Seconds from a signal to the end of the process, whatever hangs; promised are five."""


SWITCH_EVERY = 0.001
"""Seconds for which the thread that matches may keep the event loop waiting for the interpreter; Python's own are five
times that, and the loop waits so long after each time that it reads or writes."""

COLLECT_EVERY = 30.0
COLLECT_WITHIN = 30.0
"""Seconds between looks for garbage in everything, and for which such a look waits until nobody waits for an answer."""

STORE_WITHIN = 1.0
"""Seconds that Redis may take for what is kept, for which nobody waits."""

SHARED_WITHIN = 0.5
"""Seconds that Redis may take for a claim or a lease before it counts as gone; an answer waits for a claim."""

FIT_WITHIN = 1_200.0
"""Seconds after which a process that fits counts as hung; a small machine that has much else to do takes minutes."""

_KILLED = "its process was killed, as systems do when memory runs out; give it 1.5 GB"

_QUEUE_LOOK = 0.1
_NEVER = 1_000_000


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
    return Mind(knowledge, matcher, slots(knowledge), Suggestions(knowledge), Phrases(knowledge.texts))


def build_reloader(
    dialogue: Dialogue, settings: Settings, metrics: Metrics, settled: Callable[[], None] = lambda: None
) -> Reloader:
    """Return what keeps the dialogue's knowledge that of its folder; `settled` hears that another one answers."""

    async def cached(knowledge: Knowledge) -> Matcher:
        return metrics.timed(await asyncio.to_thread(fitted, settings, knowledge), time.perf_counter)

    async def refit(knowledge: Knowledge) -> Matcher:
        with contextlib.suppress(HeadsError):
            return await cached(knowledge)
        await fit_beside(settings)
        try:
            return await cached(knowledge)
        except HeadsError as error:
            raise RefitError(f"The new phrasings were fitted, but their file cannot be read ({error}).") from error

    return Reloader(
        dialogue,
        load=lambda: load(settings.bot_knowledge),
        remade=mind_of,
        digest=lambda knowledge: training(knowledge).digest(),
        refit=refit,
        log=log,
        told=metrics.reloaded,
        settled=settled,
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


def fitted(settings: Settings, knowledge: Knowledge) -> Engine:
    """Return the engine that was fitted for a knowledge before; raises HeadsError where none was."""
    return Engine(_cached(settings, knowledge))


def _cached(settings: Settings, knowledge: Knowledge) -> Heads:
    digest = training(knowledge).digest()
    return Heads.load(heads_path(settings.bot_cache, digest), digest)


def fit_in_child(settings: Settings) -> None:
    """Fit in a process of its own, so that what fitting needs is never in the memory of serving."""
    if not sys.stderr.isatty():  # where it is one, that process shows a bar
        log.info("the matcher is fitted for this knowledge first, which takes a minute or more")
    done = subprocess.run(  # noqa: S603 - our own command
        _fitting(settings), check=False, stdout=sys.stderr, env=environment_for_fitting()
    )
    if done.returncode == -signal.SIGKILL:
        raise AppError(f"The matcher could not be fitted: {_KILLED}.")
    if done.returncode:
        raise AppError("The matcher could not be fitted; the lines above say why.")


async def fit_beside(settings: Settings) -> None:
    """Fit in a process of its own while this one goes on answering; raises RefitError. Cancelling ends that process."""
    process = await asyncio.create_subprocess_exec(
        *_fitting(settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment_for_fitting()
    )
    try:
        async with asyncio.timeout(FIT_WITHIN):
            failed = await process.wait()
        if failed == -signal.SIGKILL:
            raise RefitError(
                f"The new phrasings could not be learned: {_KILLED}; the previous ones go on answering until the next edit."
            )
        if failed:
            raise RefitError(
                "The new phrasings could not be learned, so the previous ones go on answering; run privacy-bot fit to see why."
            )
    except TimeoutError:
        raise RefitError(
            f"The new phrasings were not learned within {FIT_WITHIN / 60:.0f} minutes, so the previous ones go on answering; "
            "see what keeps this machine busy, then save the file again or send SIGHUP."
        ) from None
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


def build_dialogue(mind: Mind, settings: Settings, ledger: Ledger | None = None) -> Dialogue:
    """Return the conversation partner for every platform; with a ledger people can say what they think of answers."""
    kept = ["last_topic", "flood"]
    kept += ["updates"] if settings.telegram_token else []
    kept += ["counts"] if ledger else []
    kept += ["messages"] if ledger and ledger.takes_messages else []
    operator = Operator(contact=settings.bot_contact, privacy_url=settings.bot_privacy_url, kept=tuple(kept))
    return Dialogue(mind, clock=time.monotonic, today=today, operator=operator, ledger=ledger)


def build_redis(settings: Settings, within: float, retry: Retry | None = None) -> Redis | None:
    """Return the connection that processes share, None where the state is this process's own.

    `within` so many seconds it must answer.
    """
    if settings.bot_state.url is None:
        return None
    from redis.asyncio import Redis  # noqa: PLC0415 - only who shares a state needs it

    from bot.service.connections import pool  # noqa: PLC0415

    return Redis.from_pool(pool(settings.bot_state.url.get_secret_value(), within, retry))


def build_shared(settings: Settings) -> SharedServer | None:
    """Return the server through which processes agree who does what, None where this one is alone."""
    if not (settings.telegram_webhook_url or settings.leases_slots):
        return None
    from bot.service.sharing import SharedServer, reconnecting  # noqa: PLC0415

    return SharedServer(redis) if (redis := build_redis(settings, SHARED_WITHIN, reconnecting())) else None


def build_store(settings: Settings) -> Store:
    """Return where counts and messages to the editors are kept; it is opened when it is first needed."""
    if redis := build_redis(settings, STORE_WITHIN):
        from bot.service.store_redis import RedisStore  # noqa: PLC0415

        return RedisStore(redis)
    if settings.bot_state.path is None:
        return MemoryStore()
    from bot.service.store_sqlite import SqliteStore  # noqa: PLC0415

    return SqliteStore(settings.bot_state.path)


def build_seal(settings: Settings) -> Seal | None:
    """Return what encrypts messages to the editors, None without a key."""
    if settings.bot_ledger_key_file is None:
        return None
    from bot.service.sealing import Seal, read_key  # noqa: PLC0415 - it brings a library that few settings need

    return Seal(read_key(settings.bot_ledger_key_file), secrets.token_bytes)


def build_ledger(settings: Settings) -> StoreLedger:
    """Return the ledger over the store; without a key it takes no messages."""
    return StoreLedger(
        build_store(settings), build_seal(settings), today=today, random=secrets.randbits, clock=time.monotonic
    )


@contextlib.contextmanager
def keeping(ledger: StoreLedger) -> Iterator[None]:
    """Bring what a ledger is given to its store, in a thread of its own, where no event loop runs."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(ledger.run())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, name="ledger", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(task.cancel)
        thread.join(END_WITHIN)


def build_counters(settings: Settings) -> Counters:
    """Return the counters by which those who ask too much are held back."""
    url = settings.bot_state.url
    return Counters(time.monotonic, RedisCounters(url.get_secret_value()) if url else None)


def build_metrics(dialogue: Dialogue) -> Metrics:
    """Return what counts for the whole process; the dialogue's matches are timed from now on."""
    metrics = Metrics(version=lambda: dialogue.knowledge.version, topics=lambda: dialogue.knowledge.topics)
    dialogue.change(replace(dialogue.mind, matcher=metrics.timed(dialogue.mind.matcher, time.perf_counter)))
    return metrics


def build_platforms(
    settings: Settings, dialogue: Dialogue, metrics: Metrics, counters: Counters, shared: SharedServer | None = None
) -> list[Platform]:
    """Return every platform that has a token; each library is only imported where it is used."""
    platforms: list[Platform] = []
    holder = secrets.token_hex(8)
    if settings.telegram_token:
        from bot.platforms.telegram.adapter import TelegramPlatform  # noqa: PLC0415

        token = settings.telegram_token.get_secret_value()
        platforms.append(
            telegram := TelegramPlatform(
                dialogue,
                token=token,
                gate=FloodGate(counters, token=token, today=today),
                observer=metrics.of(TelegramPlatform.name),
                base_url=settings.telegram_api_base_url,
                clock=time.monotonic,
                log=logger("bot.telegram"),
                reference=random_reference,
                listen=_listen(settings),
                claims=_claims(settings, shared, token, holder),
                replicas=settings.telegram_replicas,
                pace=_pace(settings, shared, token),
            )
        )
        metrics.queues[telegram.name] = telegram.waiting
    if settings.discord_token:
        from bot.platforms.discord.adapter import DiscordPlatform  # noqa: PLC0415

        token = settings.discord_token.get_secret_value()
        platforms.append(
            discord := DiscordPlatform(
                dialogue,
                token=token,
                gate=FloodGate(counters, token=token, today=today),
                observer=metrics.of(DiscordPlatform.name),
                base_url=settings.discord_api_base_url,
                shard_count=count if isinstance(count := settings.discord_shard_count, int) else None,
                shard_ids=ids if isinstance(ids := settings.discord_shard_ids, tuple) else None,
                recommended=count == "auto" or ids == "auto",
                slots=_slots(settings, shared, token, holder),
                slot_count=settings.discord_slots,
                log=logger("bot.discord"),
                reference=random_reference,
            )
        )
        metrics.queues[discord.name] = discord.waiting
    return platforms


def _listen(settings: Settings) -> Listen | None:
    address, secret = settings.telegram_webhook_listen, settings.telegram_webhook_secret
    if not (settings.telegram_webhook_url and address and secret):
        return None
    from bot.platforms.telegram.webhook import Listen  # noqa: PLC0415

    return Listen(settings.telegram_webhook_url, secret.get_secret_value(), address.host, address.port)


def _claims(settings: Settings, shared: SharedServer | None, token: str, holder: str) -> Claims | None:
    if shared is None or not settings.telegram_webhook_url:
        return None
    from bot.service.sharing import RedisClaims  # noqa: PLC0415

    return RedisClaims(shared, _bot_of(token), holder, alone=LocalClaims(time.monotonic))


def _pace(settings: Settings, shared: SharedServer | None, token: str) -> Pace | None:
    if shared is None or not settings.telegram_webhook_url:
        return None
    from bot.platforms.telegram.limiter import CHAT_EVERY, GROUP_MESSAGES, GROUP_WITHIN  # noqa: PLC0415
    from bot.service.sharing import RedisPace  # noqa: PLC0415

    names = Names(token, today)
    return RedisPace(
        shared,
        _bot_of(token),
        most=GROUP_MESSAGES,
        within=GROUP_WITHIN,
        every=CHAT_EVERY,
        named=lambda chat: names.of("pace", chat),
    )


def _slots(settings: Settings, shared: SharedServer | None, token: str, holder: str) -> LeasedSlots | None:
    if shared is None or not settings.leases_slots:
        return None
    from bot.service.sharing import RedisSlots  # noqa: PLC0415

    return RedisSlots(shared, _bot_of(token), holder)


def _bot_of(token: str) -> str:
    """Return a name for the bot of a token, which tells nothing about the token."""
    return hashlib.sha256(f"privacy-bot {token}".encode()).hexdigest()[:12]


async def serve(
    settings: Settings, dialogue: Dialogue, tell: Callable[[str], None], ledger: StoreLedger | None = None
) -> bool:
    """Run every platform until a signal or until none is left; returns whether it was a signal."""
    metrics, counters, shared = build_metrics(dialogue), build_counters(settings), build_shared(settings)
    platforms = build_platforms(settings, dialogue, metrics, counters, shared)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, _stop, stop)
    raise_limit()
    loop.set_exception_handler(LoopFaults(log, time.monotonic))
    supervisor = Supervisor(platforms, clock=time.monotonic, uniform=random.uniform, tell=tell)
    reloader = build_reloader(dialogue, settings, metrics, gc.freeze)
    loop.add_signal_handler(signal.SIGHUP, reloader.look)
    metrics.parts = _parts(supervisor, dialogue, reloader, counters, ledger, shared)
    health = await _start_health(settings, metrics, tell)
    beside = [
        asyncio.create_task(_forget(dialogue), name="forget"),
        asyncio.create_task(_collect(metrics.queues), name="collect"),
        asyncio.create_task(reloader.run(changes_in(settings.bot_knowledge)), name="reload"),
    ]
    if shared:
        beside.append(asyncio.create_task(shared.watch(), name="sharing"))
    if ledger:
        ledger.watched_by(metrics)
        beside.append(asyncio.create_task(ledger.run(), name="ledger"))
    log.info(
        "the bot is running", platforms=[platform.name for platform in platforms], knowledge=dialogue.knowledge.version
    )
    for diagnosis in of_operator(settings.bot_contact, settings.bot_privacy_url):
        log.info(diagnosis.text)
    # The knowledge stays: to look through it for garbage again and again would hold up everything for a tenth of a second.
    gc.collect()
    gc.freeze()
    # Python would look through the rest when most is under way.
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)
    sys.setswitchinterval(SWITCH_EVERY)
    try:
        return await supervisor.run(stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        if health:
            await health.stop()
        await counters.close()
        if shared:
            with contextlib.suppress(Exception):
                await shared.redis.aclose()
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


async def _collect(queues: Mapping[str, Callable[[], int]]) -> None:
    """Look for garbage in everything now and then, when nobody waits for an answer."""
    for number in itertools.count():
        await asyncio.sleep(COLLECT_EVERY)
        for _ in range(round(COLLECT_WITHIN / _QUEUE_LOOK)):
            if not any(waiting() for waiting in queues.values()):
                break
            await asyncio.sleep(_QUEUE_LOOK)
        if number:
            gc.collect()
        else:
            # What was loaded when it was first needed stays as well; that is too much to be looked through at once.
            gc.freeze()


def _parts(
    supervisor: Supervisor,
    dialogue: Dialogue,
    reloader: Reloader,
    counters: Counters,
    ledger: StoreLedger | None,
    shared: SharedServer | None,
) -> Callable[[], Mapping[str, str]]:
    def parts() -> Mapping[str, str]:
        found = {"knowledge": "ok" if dialogue.knowledge.topics else "down", "reload": reloader.state}
        if ledger:
            found["store"] = f"degraded: {ledger.fault}" if ledger.fault else "ok"
        if counters.shared:
            found["flood"] = (
                "degraded: Redis cannot be used, so each process counts by itself" if counters.degraded else "ok"
            )
        if shared:
            found["sharing"] = (
                f"degraded: Redis {shared.fault}, so this process goes by what it knows itself"
                if shared.fault
                else "ok"
            )
        for watch in supervisor.watches:
            state = "ok" if watch.can_answer else ("down" if watch.health is Health.ENDED else "degraded")
            found[f"platforms.{watch.platform.name}"] = state
        return found

    return parts


async def _start_health(settings: Settings, metrics: Metrics, tell: Callable[[str], None]) -> HealthServer | None:
    address = settings.bot_http
    if address is None:
        return None
    server = HealthServer(address.host, address.port, metrics.parts, metrics.exposition)
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
