"""Define the commands, and bring them to Discord when it holds others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.dialogue.state import COMMANDS
from bot.knowledge.texts import Commands

ASK = "ask"
QUESTION = "question"
SCREENS = {name: state for name, state in COMMANDS.items() if name != "start"}
"""The commands that show one screen, or the first one of a flow; a start is Telegram's and the terminal's."""

_CHAT_INPUT, _ON_MESSAGE, _ENTRY_POINT = 1, 3, 4
_STRING = 3
_EVERYWHERE: Mapping[str, Any] = {"integration_types": [0, 1], "contexts": [0, 1, 2]}
"""Installed by a server or by a person; in servers, with the bot alone, and in other private chats."""

# What we define and what therefore has to agree; Discord adds ids, versions and fields that we leave at their defaults.
_DEFAULTS: Mapping[str, Any] = {
    "type": _CHAT_INPUT,
    "name": "",
    "description": "",
    "options": [],
    "integration_types": [0],
    "contexts": None,
    "nsfw": False,
    "default_member_permissions": None,
    "name_localizations": {},
    "description_localizations": {},
}
_OPTION_DEFAULTS: Mapping[str, Any] = {
    "type": _STRING,
    "name": "",
    "description": "",
    "required": False,
    "autocomplete": False,
    "choices": [],
    "options": [],
    "min_length": None,
    "max_length": None,
    "name_localizations": {},
    "description_localizations": {},
}


def definitions(texts: Commands) -> list[dict[str, Any]]:
    """Return every command as Discord takes it."""
    question = {
        "type": _STRING,
        "name": QUESTION,
        "description": texts.ask_question,
        "required": True,
        "autocomplete": True,
    }
    ask = {"type": _CHAT_INPUT, "name": ASK, "description": texts.ask, "options": [question], **_EVERYWHERE}
    screens = [
        {"type": _CHAT_INPUT, "name": name, "description": getattr(texts, name), **_EVERYWHERE} for name in SCREENS
    ]
    return [ask, *screens, {"type": _ON_MESSAGE, "name": texts.answer_this, **_EVERYWHERE}]


def overwrite(held: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """Return what to write over the commands that Discord holds, None where they are the same already.

    An activity's entry point is Discord's own: it is written back as it is, since a list without it is refused.
    """
    entry_points = [command for command in held if command.get("type") == _ENTRY_POINT]
    ours = [command for command in held if command.get("type") != _ENTRY_POINT]
    if _all(ours) == _all(wanted):
        return None
    return [*map(dict, wanted), *({**command} for command in entry_points)]


def _all(commands: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(repr(_normal(command)) for command in commands)


def _normal(command: Mapping[str, Any]) -> dict[str, Any]:
    normal = _with_defaults(command, _DEFAULTS)
    normal["options"] = [_with_defaults(option, _OPTION_DEFAULTS) for option in normal["options"]]
    for name in ("integration_types", "contexts"):
        normal[name] = sorted(normal[name]) if normal[name] is not None else None
    return normal


def _with_defaults(held: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that count; one that is absent or null stands for its default."""
    return {name: default if (value := held.get(name)) is None else value for name, default in defaults.items()}
