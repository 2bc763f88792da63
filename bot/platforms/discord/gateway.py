"""Hold the gateway connections: where to dial, when to identify, how to come back, and when to give up.

discord.py dials a constant address without asking, and retries a shard that cannot connect for ever, unseen.
So we only use its protocol, and decide ourselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from bot.platforms.discord.limits import IDENTIFY_EVERY
from bot.platforms.discord.rest import REFUSED, Rest
from bot.platforms.platform import PassingFault, PermanentFault
from bot.platforms.slots import Slots

Sleep = Callable[[float], Awaitable[None]]
Parsers = Mapping[str, Callable[[Any], None]]

_NET_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)
_DIAL_WITHIN = 20.0
_MOST_LOSSES = 5
"""Connections in a row that never became ready, or dials that failed, before the caller hears of it."""

_READY_WITHIN = 60.0
"""Seconds from a dial to READY or RESUMED. A gateway may well answer heartbeats and never go on; Discord's own takes
seconds, also for a shard with many servers."""

_STEADY = 30.0
_LONGEST_PAUSE, _LONGEST_RESUME_PAUSE = 30.0, 2.0
"""Seconds between two connections: before a new session, of which Discord counts out a day's number, and before
one that is resumed, which costs nothing."""

_ACK_GRACE = 3.0
"""Seconds that the answer to a heartbeat may take before we count as cut off."""

_CLOSE_WITHIN = 0.7
_FOR_GOOD, _GOING_ON = 1000, 4000
"""Close codes of ours: after the first the session is over, after the second it can be resumed."""

_SESSION_GONE = frozenset({4003, 4007, 4009})
"""Close codes after which a session cannot be resumed (https://docs.discord.com/developers/topics/opcodes-and-status-codes)."""

_FIRST_RENEWAL, _LONGEST_RENEWAL = 5.0, 3_600.0


def _ended(code: int | None, shards: int | None) -> PermanentFault | None:
    """Return the sentence for a close code after which trying again cannot help."""
    match code:
        case 4004:
            return PermanentFault(REFUSED)
        case 4010:
            return PermanentFault(
                "Discord does not accept this shard; correct DISCORD_SHARD_COUNT and DISCORD_SHARD_IDS."
            )
        case 4011:
            least = f" to at least {shards}" if shards and shards > 1 else ""
            return PermanentFault(f"The bot is in too many servers for one connection; set DISCORD_SHARD_COUNT{least}.")
        case 4012:
            return PermanentFault("Discord no longer speaks this version of its protocol; update the bot.")
        case 4013:
            return PermanentFault("Discord does not know an intent that this version asks for; update the bot.")
        case 4014:
            return PermanentFault(
                "Discord disallows an intent that the bot asks for; it needs no privileged one, so look in the "
                "developer portal whether the application is restricted."
            )
    return None


@dataclass(frozen=True, slots=True)
class _Told:
    """What `GET /gateway/bot` says. Raises PassingFault when made from something else."""

    url: str
    shards: int
    remaining: int
    reset_after: float
    lanes: int

    @classmethod
    def read(cls, raw: Any) -> _Told:
        try:
            # Only the address is indispensable: a proxy may leave out the rest.
            limit = raw.get("session_start_limit") or {}
            told = cls(
                str(raw["url"]),
                int(raw.get("shards", 1)),
                int(limit.get("remaining", 1_000)),
                int(limit.get("reset_after", 0)) / 1000,
                max(1, int(limit.get("max_concurrency", 1))),
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise PassingFault("Discord does not say where its gateway is") from error
        if not told.url.startswith(("ws://", "wss://")) or not yarl.URL(told.url).host:
            raise PassingFault("Discord does not say where its gateway is")
        return told


class Turns:
    """Give out turns to identify; kept for as long as the process lives, since Discord counts over all of it.

    `slots` are those that this process shares with others, which take turns with it.
    """

    def __init__(
        self,
        log: Any,
        *,
        slots: Slots | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._log = log
        self._slots = slots
        self._clock = clock
        self._sleep = sleep
        self._last: dict[int, float] = {}
        self._lock = asyncio.Lock()
        self.shards: int | None = None

    async def recommended(self, rest: Rest) -> int:
        """Return how many connections Discord recommends."""
        return max(1, _Told.read(await rest.fetch("GET", "/gateway/bot")).shards)

    async def take(self, rest: Rest, shard: int, needed: int = 1) -> str:
        """Return where to dial, once a session may be started; `needed` is how many are about to be.

        Beyond its daily number of sessions Discord resets the token, so running out of them is waited for.
        """
        async with self._lock:
            is_turn = False
            while True:
                told = _Told.read(await rest.fetch("GET", "/gateway/bot"))
                self.shards = told.shards
                lane = shard % told.lanes
                if told.remaining < needed:
                    wait = min(max(told.reset_after, _FIRST_RENEWAL), _LONGEST_RENEWAL)
                    self._log.warning(
                        "Discord allows too few new sessions for now, so the bot waits", left=told.remaining,
                        needed=needed, seconds=round(wait),
                    )  # fmt: skip
                    await self._sleep(wait)
                    is_turn = False
                elif is_turn:
                    break
                else:
                    # Asked again afterwards: others start sessions meanwhile, and may have taken what was left.
                    is_turn = True
                    if not await self._waited(lane):
                        break
            self._last[lane] = self._clock()
            return told.url

    async def _waited(self, lane: int) -> bool:
        """Wait for the turn in a lane; returns whether others may have started a session since it was asked for."""
        due = self._last.get(lane, float("-inf")) + IDENTIFY_EVERY
        if (wait := due - self._clock()) > 0:
            await self._sleep(wait)
        if self._slots:
            await self._slots.turn(lane, IDENTIFY_EVERY)
        return wait > 0 or self._slots is not None


class Shard:
    """One connection to the gateway. `parsers` take the data of the events that we handle."""

    def __init__(
        self,
        client: discord.Client,
        rest: Rest,
        turns: Turns,
        parsers: Parsers,
        log: Any,
        *,
        id: int | None = None,
        needed: int = 1,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._rest = rest
        self._turns = turns
        self._log = log
        self._id = id
        self._needed = needed
        self._sleep = sleep
        self._clock = clock
        self._parsers = {**parsers, "READY": self._on_ready, "RESUMED": self._on_ready}
        self._ws: DiscordWebSocket | None = None
        self._ready = self._stood = False
        self._session: str | None = None
        self._sequence: int | None = None
        self._gateway = ""
        self._resume_at = ""

    def can_answer(self) -> bool:
        """Tell whether events arrive: the session stands, and the last heartbeat was answered."""
        ws = self._ws
        beat = ws._keep_alive if ws else None  # noqa: SLF001 - the library keeps it to itself
        if not (self._ready and ws and ws.open and beat):
            return False
        # Set by the library's own clock.
        return time.perf_counter() - beat._last_ack <= (beat.interval or 0) + _ACK_GRACE  # noqa: SLF001

    async def run(self) -> None:
        """Hold the connection; returns never, raises a fault when it is lost for good."""
        losses = quick = 0
        while True:
            began = self._clock()
            resuming = self._session is not None
            try:
                await self._hold()
            except Exception as error:  # noqa: BLE001 - raised again where it is none of the known ends
                self._take_note(error, resuming=resuming)
            losses = 0 if self._ready else losses + 1
            quick = 0 if self._clock() - began >= _STEADY else quick + 1
            if losses >= _MOST_LOSSES:
                raise PassingFault("the gateway of Discord takes no connection")
            if losses > 1 and resuming and self._ws:
                # It was reached, and would not resume.
                self._session = None
            longest = _LONGEST_RESUME_PAUSE if self._ready and self._session else _LONGEST_PAUSE
            self._ready = False
            await self._drop(_GOING_ON)
            if quick > 1:
                await self._sleep(random.uniform(0.5, 1) * min(2.0 ** (quick - 1), longest))  # noqa: S311

    async def close(self) -> None:
        """End the session for good."""
        self._ready = False
        await self._drop(_FOR_GOOD)

    async def _hold(self) -> None:
        """Dial, and take events until the connection ends, which always raises."""
        if self._session is None:
            self._gateway = await self._turns.take(self._rest, self._id or 0, self._needed)
            self._needed = 1
        url = (self._resume_at or self._gateway) if self._session else self._gateway
        ws = await asyncio.wait_for(
            DiscordWebSocket.from_client(
                self._client,
                # Turns have been waited for already; the library would sleep before every other IDENTIFY.
                initial=True,
                gateway=yarl.URL(url),
                shard_id=self._id,
                session=self._session,
                sequence=self._sequence,
                resume=self._session is not None,
            ),
            _DIAL_WITHIN,
        )
        self._ws = ws
        # Only what we handle is read: no guild, channel, member or message stays in memory.
        ws._discord_parsers = dict(self._parsers)  # noqa: SLF001
        beat = ws._keep_alive  # noqa: SLF001
        if beat and beat.interval:
            # The library waits a minute; a connection on which nothing came since the last heartbeat is dead.
            beat.heartbeat_timeout = beat.interval + _ACK_GRACE
        async with asyncio.timeout(_READY_WITHIN):
            while not self._ready:
                await ws.poll_event()
        while True:
            await ws.poll_event()

    def _take_note(self, error: Exception, *, resuming: bool) -> None:
        """Keep the session where it can be resumed; raises what ends the shard."""
        match error:
            case ReconnectWebSocket():
                self._keep_session(resume=error.resume)
            case discord.ConnectionClosed():
                if fault := _ended(error.code, self._turns.shards):
                    raise fault from error
                self._keep_session(resume=True)
            case PassingFault() if self._stood:
                # The platform would take every other connection of this process down with this one.
                self._log.warning("a connection to Discord cannot be made yet", shard=self._id or 0, fault=str(error))
            case aiohttp.ClientError() | OSError():
                if not resuming and not self._stood:
                    raise PassingFault("the gateway of Discord cannot be reached") from error
                self._keep_session(resume=True)
                # The address of the session may be gone when the gateway itself is not.
                self._resume_at = self._resume_at if self._ready else ""
            case ValueError() | KeyError() | TypeError() | AttributeError() | zlib.error():
                self._log.warning("the gateway sent what nobody understands", exc_info=error)
                self._keep_session(resume=True)
            case _:
                raise error

    def _on_ready(self, data: Any) -> None:
        self._ready = self._stood = True
        resume_at = data.get("resume_gateway_url") if isinstance(data, Mapping) else None
        if isinstance(resume_at, str):
            self._resume_at = resume_at if _same_party(resume_at, self._gateway) else ""
            self._log.info("connected to Discord", shard=self._id or 0)
        else:
            self._log.info("connected to Discord again", shard=self._id or 0)

    def _keep_session(self, *, resume: bool) -> None:
        """Note what is needed to resume, or that the session is gone."""
        ws = self._ws
        if ws is None:
            # The dial itself failed: what we had stays good unless we were told otherwise.
            self._session = self._session if resume else None
            return
        code = ws._close_code or ws.socket.close_code  # noqa: SLF001
        if resume and ws.session_id and code not in _SESSION_GONE:
            self._session, self._sequence = ws.session_id, ws.sequence
        else:
            self._session = self._sequence = None

    async def _drop(self, code: int) -> None:
        ws, self._ws = self._ws, None
        if ws:
            with contextlib.suppress(TimeoutError, *_NET_FAULTS, RuntimeError):
                await asyncio.wait_for(ws.close(code), _CLOSE_WITHIN)


def _same_party(resume_at: str, gateway: str) -> bool:
    """Tell whether a resume address belongs to whoever the gateway belongs to.

    With a base address of one's own the gateway is where that says; its host or domain has the last word.
    """
    try:
        one, other = yarl.URL(resume_at), yarl.URL(gateway)
    except ValueError:
        return False
    if one.scheme not in {"ws", "wss"} or not one.host or not other.host:
        return False
    return one.host == other.host or (
        not other.host.replace(".", "").isdigit() and one.host.split(".")[-2:] == other.host.split(".")[-2:]
    )
