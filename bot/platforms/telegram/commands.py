"""Tell Telegram our commands and descriptions, where it does not hold them already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)
from telegram.error import RetryAfter

from bot.knowledge.texts import Texts
from bot.platforms.telegram.connection import seconds
from bot.platforms.telegram.limits import COMMAND_DESCRIPTION, DESCRIPTION, SHORT_DESCRIPTION
from bot.platforms.wording import shortened

PRIVATE = ("start", "optout", "checkup", "letter", "topics", "help", "about", "privacy")
"""In a private chat one just writes; there is no need for /ask."""

FIRST_WAIT, LONGEST_WAIT = 5.0, 3600.0
"""Seconds until what Telegram did not take is tried again, ever longer."""

GROUP = ("ask", "optout", "checkup", "letter", "topics", "help", "about", "privacy")


def by_scope(texts: Texts) -> dict[BotCommandScope, tuple[BotCommand, ...]]:
    """Return which commands are offered where."""

    def commands(names: tuple[str, ...]) -> tuple[BotCommand, ...]:
        return tuple(BotCommand(name, shortened(getattr(texts.commands, name), COMMAND_DESCRIPTION)) for name in names)

    return {
        BotCommandScopeDefault(): commands(GROUP),
        BotCommandScopeAllPrivateChats(): commands(PRIVATE),
        BotCommandScopeAllGroupChats(): commands(GROUP),
    }


async def synchronise(
    bot: Bot, texts: Texts, log: Any, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Set the commands that differ, and the descriptions that are empty; the bot's name is its operator's.

    What fails is told to the log once, and tried again ever more seldom: nothing else depends on it.
    """
    wait = FIRST_WAIT
    while True:
        try:
            await _synchronise(bot, texts)
        except Exception as error:  # whatever it is, people are answered meanwhile
            if wait == FIRST_WAIT:
                log.warning("Telegram does not take the commands yet; they are set later", exc_info=error)
            await sleep(max(wait, seconds(error)) if isinstance(error, RetryAfter) else wait)
            wait = min(wait * 4, LONGEST_WAIT)
        else:
            return


async def _synchronise(bot: Bot, texts: Texts) -> None:
    for scope, commands in by_scope(texts).items():
        if await bot.get_my_commands(scope) != commands:
            await bot.set_my_commands(commands, scope)
    if not (await bot.get_my_short_description()).short_description:
        await bot.set_my_short_description(shortened(texts.short_description, SHORT_DESCRIPTION))
    if not (await bot.get_my_description()).description:
        await bot.set_my_description(shortened(texts.description, DESCRIPTION))
