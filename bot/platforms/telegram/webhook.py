"""Take updates by webhook: a listener that knows one path, beside any number of others behind a load balancer."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from telegram import Bot, Update, WebhookInfo
from telegram.constants import WebhookLimit
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError
from yarl import URL

from bot.platforms.claims import Claim, Claims
from bot.platforms.platform import PermanentFault
from bot.platforms.telegram.connection import decode, is_bad_token, seconds
from bot.platforms.telegram.events import UPDATES
from bot.platforms.telegram.polling import REFUSED

LARGEST_BODY = 1 << 20
"""Bytes of an update; Telegram's are a few thousand."""

HAND_OVER_WITHIN = 5.0
"""Seconds until Telegram is told that an update has arrived, when its answer takes longer."""

MOST_HELD = int(WebhookLimit.MAX_CONNECTIONS_LIMIT) // 2
"""Deliveries that are held until their answer was handed over, of all processes together. Telegram makes no more than
a hundred at a time, and a press must not wait behind questions until one of those is free."""

LOOK_EVERY = 30.0
"""Seconds between two looks at what Telegram says about our webhook."""

ERROR_COUNTS = 600.0
"""Seconds after which an error is history: while updates wait for us, each attempt to deliver them is a newer one."""

HELD_LOOK = 0.25
"""Seconds between looks whether whoever holds an update has answered it."""

CLOSE_WITHIN = 0.3
"""Seconds in which deliveries that are answered are told so, when the bot stops."""

_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
_REFUSED_BY_US = "403"
"""In what Telegram says of a delivery without our secret; a server before us may answer so as well."""

_FIRST_RETRY, _LONGEST_RETRY = 0.5, 30.0

Take = Callable[[Update], Awaitable[asyncio.Future[bool]]]
"""Takes an update; the future tells whether it was answered, once it was."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where people's updates arrive: the public address that Telegram is told, and where we listen behind it."""

    url: str
    secret: str
    host: str
    port: int

    @property
    def path(self) -> str:
        """Return the one path that is answered, as requests name it."""
        return URL(self.url).path


class Webhook:
    """Updates that come to us; ends by PermanentFault only. What `take` returns must not fail."""

    def __init__(
        self,
        bot: Bot,
        take: Take,
        claims: Claims,
        listen: Listen,
        log: Any,
        *,
        now: Callable[[], float],
        replicas: int = 1,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._most_held = max(1, MOST_HELD // replicas)
        self._held: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        self._take = take
        self._claims = claims
        self._listen = listen
        self._log = log
        self._now = now
        self._sleep = sleep
        self._last_update = 0.0
        self._refused = False
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._waiting: set[asyncio.Task[bool]] = set()
        self.connected = False

    async def begin(self) -> None:
        """Listen, then tell Telegram where; PermanentFault for a bad token, a taken port or a refused webhook."""
        await self._until_reached(self._bot.initialize)
        await self._open()
        await self._until_reached(self._set)
        # Errors from before we listened say nothing about us.
        self._last_update = self._now()
        self.connected = True

    async def run(self) -> None:
        """Watch over the webhook until cancelled; the listener serves meanwhile."""
        while True:
            await self._sleep(LOOK_EVERY)
            info = await self._until_reached(self._bot.get_webhook_info)
            if info.url != self._listen.url:
                self._log.warning("Telegram sends the messages of this bot elsewhere; its webhook is set again")
                await self._until_reached(self._set)
            elif info.allowed_updates and not set(UPDATES) <= set(info.allowed_updates):
                self._log.warning("Telegram was told to keep presses or messages back; the webhook is set again")
                await self._until_reached(self._set)
            self._judge(info)
            if self._refused and not self.connected and _REFUSED_BY_US in (info.last_error_message or ""):
                self._log.warning("Telegram was told another secret; the webhook is set again")
                await self._until_reached(self._set)
            self._refused = False

    async def stop(self) -> None:
        """Take nothing more; Telegram delivers to the other processes, or later."""
        self.connected = False
        if self._site:
            await self._site.stop()
            self._site = None

    async def confirm(self) -> None:
        """Answer the deliveries that are still open, and close."""
        await self.stop()
        if self._waiting:
            _, late = await asyncio.wait(set(self._waiting), timeout=CLOSE_WITHIN)
            for task in late:
                # It waits for room, and gives its claim back.
                task.cancel()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _judge(self, info: WebhookInfo) -> None:
        """Count as able to answer while no error of Telegram's is newer than the last update; silence is no fault."""
        failed = info.last_error_date.timestamp() if info.last_error_date else 0.0
        able = failed <= self._last_update or self._now() - failed > ERROR_COUNTS
        if self.connected and not able:
            self._log.warning("Telegram cannot deliver to the webhook", told=info.last_error_message)
        self.connected = able

    async def _open(self) -> None:
        if self._runner:
            return
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        library = logging.getLogger("aiohttp.server.webhook")
        library.addFilter(_is_our_fault)
        runner = web.AppRunner(
            app, access_log=None, logger=library, handle_signals=False, shutdown_timeout=CLOSE_WITHIN
        )
        await runner.setup()
        site = web.TCPSite(runner, self._listen.host, self._listen.port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            where = f"{self._listen.host}:{self._listen.port}"
            raise PermanentFault(
                f"TELEGRAM_WEBHOOK_LISTEN: {where} cannot be listened on; choose another host:port."
            ) from None
        self._runner, self._site = runner, site

    async def _set(self) -> None:
        info = await self._bot.get_webhook_info()
        if info.url == self._listen.url and set(info.allowed_updates or ()) == set(UPDATES) and self.connected:
            return
        try:
            await self._bot.set_webhook(
                self._listen.url,
                secret_token=self._listen.secret,
                allowed_updates=UPDATES,
                max_connections=int(WebhookLimit.MAX_CONNECTIONS_LIMIT),
            )
        except BadRequest as refusal:
            raise PermanentFault(
                f"Telegram refuses the webhook ({refusal.message}); correct TELEGRAM_WEBHOOK_URL."
            ) from None

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer 200 when the update's own answer was handed over, or after five seconds."""
        if request.method != "POST" or request.path != self._listen.path:
            return web.Response(status=404)
        given = request.headers.get(_SECRET, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._listen.secret.encode()):
            self._refused = True
            return web.Response(status=403)
        try:
            update = _update(await request.read(), self._bot)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        except (web.RequestPayloadError, ConnectionError):
            # Compressed or cut off so that nobody can read it, nor what follows over the same connection.
            return web.Response(status=400, headers={"Connection": "close"})
        if update is None:
            return web.Response(status=400)
        if self._site is None:
            # Whoever kept a connection open gives it to another process, and Telegram delivers again.
            return web.Response(status=503, headers={"Connection": "close"})
        self._last_update = self._now()
        self.connected = True
        return web.Response(status=await self._handed_over(update))

    async def _handed_over(self, update: Update) -> int:
        claim = await self._claims.take(update.update_id)
        waited = 0.0
        while claim is Claim.HELD and waited < HAND_OVER_WITHIN:
            await self._sleep(HELD_LOOK)
            waited += HELD_LOOK
            claim = await self._claims.take(update.update_id)
        if claim is Claim.DONE:
            return 200
        if claim is Claim.HELD:
            # Telegram sends it once more, and by then its holder has answered it or has died.
            return 503
        if self._site is None:
            # The bot was stopped while the claim was on its way; what answers takes nothing more.
            await self._claims.release(update.update_id)
            return 503
        let_go: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done = asyncio.ensure_future(self._finish(update, let_go))
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)
        over: set[asyncio.Future[Any]] = {done, let_go}
        await asyncio.wait(over, timeout=HAND_OVER_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not done.done() and not let_go.done() and update.update_id not in self._held:
            # There is no room for it. Telegram keeps it, where a process that dies cannot lose it.
            done.cancel()
            await asyncio.wait({done})
        # What was left unanswered, since the bot stops, is delivered again.
        return 200 if not done.done() or (not done.cancelled() and not done.exception() and done.result()) else 503

    async def _finish(self, update: Update, let_go: asyncio.Future[None]) -> bool:
        """Return whether the update was answered; meanwhile its delivery is held, or that of the oldest is let go."""
        answered, id = False, update.update_id
        try:
            answer = await self._take(update)
            self._held[id] = let_go
            if len(self._held) > self._most_held:
                self._held.popitem(last=False)[1].set_result(None)
            answered = await answer
        finally:
            self._held.pop(id, None)
            await (self._claims.done if answered else self._claims.release)(id)
        return answered

    async def _until_reached(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `call` returns, trying again until it does; PermanentFault where that cannot help."""
        wait = _FIRST_RETRY
        while True:
            try:
                return await call()
            except InvalidToken as error:
                if is_bad_token(error):
                    raise PermanentFault(REFUSED) from None
            except RetryAfter as flood:
                wait = max(wait, min(seconds(flood), _LONGEST_RETRY))
            except TelegramError as error:
                if wait == _FIRST_RETRY:
                    self._log.warning("Telegram cannot be reached; trying again until it answers", exc_info=error)
                elif wait == _LONGEST_RETRY:
                    # Two looks have failed. Nothing that we are handed could be answered either.
                    self.connected = False
            await self._sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY)


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Leave out what those who connect do wrong: without the secret, too, anybody could fill the log with it."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (web.RequestPayloadError, HttpProcessingError, ConnectionError))


def _update(body: bytes, bot: Bot) -> Update | None:
    """Return the update of a request's body, None where it is none."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or type(raw.get("update_id")) is not int:
        return None
    return decode(raw, bot)
