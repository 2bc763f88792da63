"""Call Discord's REST interface: messages through discord.py's rate limits, interactions before they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import discord
from discord.http import HTTPClient, Route

from bot.dialogue.model import File
from bot.platforms.discord.events import Call
from bot.platforms.discord.limits import ACKNOWLEDGE_WITHIN
from bot.platforms.platform import PassingFault, PermanentFault

REFUSED = (
    "Discord refuses the token; copy it again from the developer portal (your application, page Bot) into "
    "DISCORD_TOKEN, and start again."
)

_NET_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)
_TRIES = 4
_FIRST_PAUSE = 1.0
LONGEST_WAIT = 60.0
"""Seconds that a refused message is held back at most; whoever asked has gone on by then."""

_SPARE = 0.4
"""Seconds of the three that an answer may be under way before it reaches us, and after it leaves us."""

REQUEST_WITHIN = 10.0
"""Seconds for one request; a connection that is cut off somewhere on the way would otherwise keep an answer for five
minutes. One that arrives all the same is known by its nonce."""

_ATTEMPT = 1.5
_COMPLETE_WITHIN = 60.0
"""Seconds for the answer to an interaction that was acknowledged; whoever asked has gone on by then."""
_FIRST_RETRY, _LONGEST_RETRY = 0.1, 0.4

_TOO_LATE = frozenset({10015, 10062, 40060, 50027})
"""Codes after which another answer is of no use: the interaction, or what it was acknowledged with, is gone or was
answered already."""

_NO_REPLIES = 160002
"""Code where we may write but not read a channel's history, and so not name the message that we answer."""

_FILES_REFUSED = frozenset({400, 403, 413})
"""Answers to a message that may pass without its files: we may not attach any, or they are too large."""

_CLOSED_FOR = 3_600.0
_MOST_CLOSED = 10_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent: a body, the files that go with it, and the body for where those are not taken."""

    body: Mapping[str, Any]
    files: tuple[File, ...] = ()
    without_files: Mapping[str, Any] | None = None

    def also(self, fields: Mapping[str, Any]) -> Outgoing:
        """Return the same with further fields."""
        bare = None if self.without_files is None else {**self.without_files, **fields}
        return Outgoing({**self.body, **fields}, self.files, bare)

    def less(self, field: str) -> Outgoing:
        """Return the same without a field."""

        def left(body: Mapping[str, Any]) -> Mapping[str, Any]:
            return {name: value for name, value in body.items() if name != field}

        return Outgoing(left(self.body), self.files, None if self.without_files is None else left(self.without_files))

    def bare(self) -> Outgoing | None:
        """Return the same without its files, None where there are none."""
        return Outgoing(self.without_files) if self.files and self.without_files is not None else None

    def parts(self) -> list[dict[str, Any]]:
        """Return the fields of a form that holds body and files (https://docs.discord.com/developers/reference#uploading-files)."""
        body = {"name": "payload_json", "value": json.dumps(self.body), "content_type": "application/json"}
        return [
            body,
            *(
                {"name": f"files[{index}]", "value": file.content, "filename": file.name, "content_type": file.media}
                for index, file in enumerate(self.files)
            ),
        ]


class Rest(HTTPClient):
    """discord.py's client for another base address, which no other client of the process gets to see."""

    def __init__(self, base_url: str, loop: asyncio.AbstractEventLoop) -> None:
        # Without a bound the library sleeps for as long as it is told to, with whoever waits.
        super().__init__(loop, max_ratelimit_timeout=LONGEST_WAIT)
        self._base_url = base_url

    async def request(self, route: Route, **options: Any) -> Any:
        """Send a request to our base address."""
        route.url = self._base_url + route.url.removeprefix(Route.BASE)
        try:
            answer = await super().request(route, timeout=aiohttp.ClientTimeout(total=REQUEST_WITHIN), **options)
        except (KeyError, TypeError) as error:
            # The library takes for granted that a 429 says how long to wait.
            raise aiohttp.ClientPayloadError("a refusal is not in the form that Discord describes") from error
        if isinstance(answer, str):
            # The library reads JSON only where its type is told without a charset, which a proxy may add.
            with contextlib.suppress(ValueError):
                return json.loads(answer)
        return answer

    async def fetch(self, method: str, path: str, **options: Any) -> Any:
        """Return what Discord answers; raises PermanentFault for a bad token, PassingFault for all else."""
        try:
            return await self.request(Route(method, path), **options)
        except discord.HTTPException as error:
            raise fault_of(error) from error
        except discord.RateLimited as error:
            raise _limited(error) from error
        except _NET_FAULTS as error:
            raise PassingFault("Discord cannot be reached") from error

    async def log_in(self, token: str) -> Mapping[str, Any]:
        """Return our own user; raises PermanentFault for a bad token, PassingFault for all else."""
        try:
            return await self.static_login(token)
        except discord.LoginFailure as error:
            cause = error.__cause__
            raise (fault_of(cause) if isinstance(cause, discord.HTTPException) else PermanentFault(REFUSED)) from error
        except discord.HTTPException as error:
            raise fault_of(error) from error
        except discord.RateLimited as error:
            raise _limited(error) from error
        except _NET_FAULTS as error:
            raise PassingFault("Discord cannot be reached") from error


def _limited(error: discord.RateLimited) -> PassingFault:
    return PassingFault(f"Discord lets nothing through for {error.retry_after:.0f} seconds")


def fault_of(error: discord.HTTPException) -> PermanentFault | PassingFault:
    """Return what an error of Discord means for the connection."""
    if error.status == 401 and not _is_page(error):
        return PermanentFault(REFUSED)
    return PassingFault(f"Discord answers with an error ({error.status})")


def _is_page(error: discord.HTTPException) -> bool:
    """Tell the page of something in between, which says nothing about the token, from Discord's own refusal."""
    return "html" in error.response.headers.get("Content-Type", "").lower()


class Post:
    """Send messages to channels; a channel that refuses us is left alone for an hour."""

    def __init__(self, rest: Rest, log: Any, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._log = log
        self._clock = clock
        self._closed: OrderedDict[str, float] = OrderedDict()

    async def send(self, channel: str, message: Outgoing) -> None:
        """Send a message, again where Discord fails; raises PermanentFault when the token is bad.

        `message` carries a nonce, so that Discord recognises one that arrived before it failed. Where its files
        are refused it goes without them.
        """
        if self._is_closed(channel):
            return
        pause = _FIRST_PAUSE
        for attempt in range(1, _TRIES + 1):
            try:
                route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
                body: Any = {"form": message.parts()} if message.files else {"json": dict(message.body)}
                answer = await self._rest.request(route, **body)
            except discord.HTTPException as error:
                if lesser := _lesser(message, error):
                    message = lesser
                    continue
                wait = self._wait_after(error, channel, pause)
            except (discord.RateLimited, *_NET_FAULTS, ValueError) as error:
                self._log.info("a message did not reach Discord", exc_info=error)
                wait = error.retry_after if isinstance(error, discord.RateLimited) else pause
            else:
                # Where something in between says yes with a page of its own, Discord has not heard of it.
                if isinstance(answer, Mapping) or answer == "":
                    return
                self._log.info("a message did not reach Discord")
                wait = pause
            if wait is None:
                return
            if attempt == _TRIES or wait > LONGEST_WAIT:
                self._log.warning("a message could not be sent")
                return
            await asyncio.sleep(wait)
            pause *= 2

    def _wait_after(self, error: discord.HTTPException, channel: str, pause: float) -> float | None:
        """Return the seconds until the next attempt, None where there shall be none."""
        if error.status == 401 and not _is_page(error):
            raise PermanentFault(REFUSED) from error
        if error.status in {403, 404}:
            # Repeating what is forbidden gets the whole address banned; a page of HTML is not about the channel.
            if error.code:
                self._close(channel)
            self._log.info("a channel does not take our messages", status=error.status, code=error.code)
            return None
        if error.status == 429:
            return _retry_after(error.response.headers) or pause
        if error.status < 500:
            self._log.warning("Discord refused a message", status=error.status, code=error.code)
            return None
        return pause

    def _close(self, channel: str) -> None:
        self._closed[channel] = self._clock() + _CLOSED_FOR
        while len(self._closed) > _MOST_CLOSED:
            self._closed.popitem(last=False)

    def _is_closed(self, channel: str) -> bool:
        until = self._closed.get(channel)
        if until is not None and until <= self._clock():
            del self._closed[channel]
            return False
        return until is not None


def _lesser(message: Outgoing, error: discord.HTTPException) -> Outgoing | None:
    """Return what may pass where a message was refused, None where nothing less is left."""
    if error.code == _NO_REPLIES and "message_reference" in message.body:
        return message.less("message_reference")
    return message.bare() if error.status in _FILES_REFUSED else None


class Callbacks:
    """Acknowledge interactions: briefly again where Discord fails, and never after they are dead.

    discord.py would wait longer between two attempts than an interaction lives, and its records of a refused
    one hold the token.
    """

    def __init__(self, base_url: str, log: Any, trace: aiohttp.TraceConfig | None = None) -> None:
        self._base_url = base_url
        self._log = log
        self._traces = [trace] if trace else None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), trace_configs=self._traces
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    @staticmethod
    def deadline() -> float:
        """Return until when an interaction that arrives now has to be acknowledged, by the loop's clock."""
        return asyncio.get_running_loop().time() + ACKNOWLEDGE_WITHIN - _SPARE

    async def answer(self, call: Call, told: Outgoing, until: float) -> bool:
        """Send the one answer to an interaction, without its files where those are refused.

        Returns whether another answer is of no use any more.
        """
        is_done = await self._answer(call, told, until)
        if not is_done and (bare := told.bare()):
            return await self._answer(call, bare, until)
        return is_done

    async def complete(self, call: Call, told: Outgoing, until: float | None = None) -> bool:
        """Send what an interaction was acknowledged for, without its files where those are refused.

        Returns whether another answer is of no use any more.
        """
        path = f"/webhooks/{quote(call.application, safe='')}/{quote(call.token, safe='')}/messages/@original"
        until = asyncio.get_running_loop().time() + _COMPLETE_WITHIN if until is None else until
        is_done = await self._sent("PATCH", path, _message_of(told), until)
        if not is_done and (bare := told.bare()):
            return await self._sent("PATCH", path, _message_of(bare), until)
        return is_done

    async def _answer(self, call: Call, outgoing: Outgoing, until: float) -> bool:
        path = f"/interactions/{quote(call.id, safe='')}/{quote(call.token, safe='')}/callback"
        return await self._sent("POST", path, outgoing, until)

    async def _sent(self, method: str, path: str, outgoing: Outgoing, until: float) -> bool:
        assert self._session is not None
        url = self._base_url + path
        now = asyncio.get_running_loop().time
        pause = _FIRST_RETRY
        while (left := until - now()) > 0:
            wait = pause
            pause = min(2 * pause, _LONGEST_RETRY)
            try:
                timeout = aiohttp.ClientTimeout(total=min(left, _ATTEMPT))
                async with self._session.request(method, url, timeout=timeout, **_posted(outgoing)) as response:
                    if response.status < 300 and "html" not in response.content_type:
                        return True
                    told = await _json(response)
                    if 300 <= response.status < 500 and response.status != 429:
                        return self._refused(response.status, told.get("code"))
                    wait = _retry_after(response.headers, told) or wait
            except _NET_FAULTS:
                pass
            if wait >= until - now():
                break
            await asyncio.sleep(wait)
        self._log.warning("an interaction could not be answered in time")
        return True

    def _refused(self, status: int, code: Any) -> bool:
        code = code if isinstance(code, int) else None
        if code in _TOO_LATE:
            self._log.info("an interaction was already answered, or too old to be", code=code)
            return True
        self._log.warning("Discord refused an answer", status=status, code=code)
        return False


def _message_of(answer: Outgoing) -> Outgoing:
    """Return the message that the answer to an interaction holds; who sees it was settled when it was acknowledged."""

    def inside(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in body["data"].items() if name != "flags"}

    bare = None if answer.without_files is None else inside(answer.without_files)
    return Outgoing(inside(answer.body), answer.files, bare)


def _posted(outgoing: Outgoing) -> dict[str, Any]:
    """Return the body of a request; a form can be sent once only, so that each attempt takes a new one."""
    if not outgoing.files:
        return {"json": outgoing.body}
    # Discord does not read brackets that are escaped in the names of fields.
    form = aiohttp.FormData(quote_fields=False)
    for part in outgoing.parts():
        form.add_field(**part)
    return {"data": form}


async def _json(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    try:
        told = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientError):
        return {}
    return told if isinstance(told, Mapping) else {}


def _retry_after(headers: Mapping[str, str], told: Mapping[str, Any] | None = None) -> float | None:
    """Return the seconds to wait, with a little more, None where they are not told."""
    value = (told or {}).get("retry_after", headers.get("Retry-After"))
    try:
        return max(0.0, float(value)) + 0.05 if value is not None else None
    except (TypeError, ValueError):
        return None
