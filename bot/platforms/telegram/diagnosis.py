"""Ask Telegram how the bot is set up there, and say what that means."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from http import HTTPStatus

import httpx
from telegram import Bot, User, WebhookInfo
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.knowledge.texts import Texts
from bot.platforms.diagnosis import WITHIN, Diagnosis, Level, clock, slow
from bot.platforms.telegram.commands import by_scope
from bot.platforms.telegram.connection import connect, is_bad_token
from bot.platforms.telegram.events import UPDATES
from bot.platforms.telegram.polling import CONFLICT_WAIT, REFUSED

LISTEN = round(CONFLICT_WAIT) + 2
"""Seconds to listen for another poller; one of ours tries again after CONFLICT_WAIT, others sooner."""


RECENT = datetime.timedelta(hours=1)
"""A delivery that failed longer ago than this has most likely been mended."""

_ABOUT = "Telegram"


def _said(level: Level, text: str) -> Diagnosis:
    return Diagnosis(_ABOUT, level, text)


def settings_of(me: User) -> tuple[Diagnosis, ...]:
    """Return what BotFather's switches mean for people."""
    if me.can_read_all_group_messages:
        privacy = _said(
            Level.HINT,
            "Privacy mode is off, so Telegram sends every message of every group here; the bot passes by all that is "
            "not for it, but needs none of it: switch it on with /setprivacy in BotFather, then add the bot to its "
            "groups again.",
        )
    else:
        privacy = _said(
            Level.FINE,
            "Privacy mode is on: in groups the bot gets commands, replies to its messages and mentions, and nothing "
            "else (everything where it is an administrator).",
        )
    inline = (
        _said(Level.FINE, "Inline mode is on: the bot can be asked in any chat.")
        if me.supports_inline_queries
        else _said(
            Level.HINT,
            "Inline mode is off, so the bot cannot be asked in chats that it is not in; switch it on with /setinline in "
            "BotFather if you want that.",
        )
    )
    groups = (
        _said(Level.FINE, "The bot can be added to groups.")
        if me.can_join_groups
        else _said(
            Level.HINT, "The bot cannot be added to groups; allow it with /setjoingroups in BotFather if you want that."
        )
    )
    return privacy, inline, groups


def webhook_of(info: WebhookInfo, ours: str | None, now: datetime.datetime) -> tuple[Diagnosis, ...]:
    """Return what the webhook means that Telegram holds; `ours` is the one that is set here, None to poll."""
    found: list[Diagnosis] = []
    if info.url and ours is None:
        found.append(
            _said(
                Level.WRONG,
                "A webhook is set, so messages go elsewhere and the bot does not start to poll; if nothing uses it, "
                "remove it: privacy-bot doctor --delete-webhook.",
            )
        )
    elif ours and info.url and info.url != ours:
        found.append(
            _said(
                Level.WRONG,
                "Another webhook than TELEGRAM_WEBHOOK_URL is set, so messages go elsewhere; start the bot, which sets "
                "its own, or correct the variable.",
            )
        )
    elif ours and not info.url:
        found.append(
            _said(Level.HINT, "The webhook is not set yet, so no message arrives; the bot sets it when it starts.")
        )
    else:
        found.append(
            _said(Level.FINE, "The webhook is the bot's own." if ours else "No webhook is set: the bot polls.")
        )
    failed = info.last_error_date
    if ours and failed and now - failed < RECENT:
        found.append(
            _said(
                Level.WRONG,
                "Telegram could not deliver to the webhook within the last hour, so people may have waited; look whether "
                "the address is reachable from outside, and at its certificate.",
            )
        )
    return tuple(found)


async def diagnose(
    *,
    token: str,
    base_url: str,
    texts: Texts,
    webhook: str | None,
    now: Callable[[], datetime.datetime],
    running: bool,
    delete_webhook: bool = False,
    listen: int = LISTEN,
    within: float = WITHIN,
) -> tuple[Diagnosis, ...]:
    """Return everything that Telegram tells about our bot; raises nothing.

    `running` tells that our own process takes the updates now: then nobody listens beside it, since Telegram would
    cut it off. `delete_webhook` removes a webhook first, and keeps what waits for it. All questions together have `within`
    seconds, beside the `listen` in which another poller is listened for.
    """
    dates: list[tuple[str | None, datetime.datetime]] = []
    stranger: int | None = None

    async def heard(response: httpx.Response) -> None:
        nonlocal stranger
        # Telegram itself answers in JSON, even where it refuses; the clock of something in between is not Telegram's.
        if response.headers.get("Content-Type", "").startswith("application/json"):
            dates.append((response.headers.get("Date"), now()))
        else:
            stranger = response.status_code

    bot = connect(token, base_url, heard=heard)
    found: list[Diagnosis] = []
    try:
        async with asyncio.timeout(within) as limit:
            await bot.initialize()
            found.append(_said(Level.FINE, "The token is good."))
            found += settings_of(bot.bot)
            if delete_webhook:
                await bot.delete_webhook(drop_pending_updates=False)
                found.append(_said(Level.FINE, "The webhook is removed; what waited for it is kept."))
            info = await bot.get_webhook_info()
            found += webhook_of(info, webhook, now())
            if not info.url and webhook is None:
                if not running and (ends := limit.when()):
                    limit.reschedule(ends + listen)
                found.append(await _poller(bot, running=running, listen=listen))
            found.append(await _commands(bot, texts))
    except InvalidToken as error:
        found.append(_said(Level.WRONG, REFUSED) if is_bad_token(error) else _unreached(stranger))
    except RetryAfter:
        found.append(_said(Level.WRONG, "Telegram asks to wait before it is asked again; run this later."))
    except TelegramError as error:
        # To the library a refusal is a fault of the network.
        is_reached = isinstance(error, BadRequest) or not isinstance(error, NetworkError)
        refused = f"Telegram refuses a question about the bot ({type(error).__name__}); run this again later."
        found.append(_said(Level.WRONG, refused) if is_reached else _unreached(stranger))
    except TimeoutError:
        found.append(_unreached(stranger) if stranger else slow(_ABOUT, within, "TELEGRAM_API_BASE_URL"))
    finally:
        await bot.shutdown()
    compared = clock(_ABOUT, *dates[0]) if dates else None
    return (*found, compared) if compared else tuple(found)


def _unreached(stranger: int | None) -> Diagnosis:
    """Return why nobody is reached; `stranger` is the status with which something else answered in place of Telegram."""
    if stranger and stranger >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _said(
            Level.WRONG,
            f"Telegram cannot be reached, and an error page comes in place of its answer (status {stranger}), from "
            "a proxy or from Telegram's own servers; look at a proxy and TELEGRAM_API_BASE_URL, or run this again later.",
        )
    if stranger:
        return _said(
            Level.WRONG,
            f"Something that is not Telegram answers in its place (status {stranger}), so nobody there is answered; it may "
            "be a proxy, the sign-in page of a network, or another server that TELEGRAM_API_BASE_URL names: look at these.",
        )
    return _said(
        Level.WRONG,
        "Telegram cannot be reached, so nobody there is answered; look at the network, a proxy, and "
        "TELEGRAM_API_BASE_URL.",
    )


async def _poller(bot: Bot, *, running: bool, listen: int) -> Diagnosis:
    """Listen for somebody else who fetches updates; without an offset nothing is confirmed, and nothing is lost."""
    if running:
        return _said(Level.FINE, "The bot that runs here receives the messages.")
    try:
        await bot.get_updates(limit=1, timeout=listen, allowed_updates=UPDATES)
    except Conflict:
        return _said(
            Level.WRONG,
            "Another process receives the messages of this bot, and of two of them one ends; stop it, or use "
            "another token for one of the two.",
        )
    return _said(Level.FINE, "No other process receives the messages of this bot.")


async def _commands(bot: Bot, texts: Texts) -> Diagnosis:
    for scope, commands in by_scope(texts).items():
        if await bot.get_my_commands(scope) != commands:
            return _said(
                Level.HINT,
                "Telegram shows other commands than this version has; the bot sets them when it starts.",
            )
    return _said(Level.FINE, "The commands are those of this version.")
