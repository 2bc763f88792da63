"""Tell Telegram our commands and descriptions, where it does not hold them already."""

from __future__ import annotations

from typing import Any

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)

from bot.knowledge.texts import Texts
from bot.platforms.telegram.limits import COMMAND_DESCRIPTION, DESCRIPTION, SHORT_DESCRIPTION
from bot.platforms.wording import shortened

PRIVATE = ("start", "optout", "checkup", "letter", "topics", "help", "about", "privacy")
"""In a private chat one just writes; there is no need for /ask."""

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


async def synchronise(bot: Bot, texts: Texts, log: Any) -> None:
    """Set the commands that differ, and the descriptions that are empty; the bot's name is its operator's.

    What fails is told to the log, and tried again when the bot starts next: nothing else depends on it.
    """
    try:
        for scope, commands in by_scope(texts).items():
            if await bot.get_my_commands(scope) != commands:
                await bot.set_my_commands(commands, scope)
        if not (await bot.get_my_short_description()).short_description:
            await bot.set_my_short_description(shortened(texts.short_description, SHORT_DESCRIPTION))
        if not (await bot.get_my_description()).description:
            await bot.set_my_description(shortened(texts.description, DESCRIPTION))
    except Exception as error:
        log.warning("the commands could not be compared with those that Telegram holds", exc_info=error)
