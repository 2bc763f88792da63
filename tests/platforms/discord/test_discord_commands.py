from __future__ import annotations

from typing import Any

import pytest
from wire.discord_rules import COMMANDS, command_faults, refusals
from wire.discord_server import DiscordServer

from bot.knowledge.model import Knowledge
from bot.platforms.discord.commands import definitions, overwrite


@pytest.fixture
def wanted(small: Knowledge) -> list[dict[str, Any]]:
    return definitions(small.texts.commands)


@pytest.fixture
def held(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    server = DiscordServer()
    return [server.stored(command) for command in reversed(wanted)]


def test_commands_are_as_discord_wants_them(wanted: list[dict[str, Any]]):
    """Names, descriptions and options keep every rule, and every command can be used everywhere."""
    assert refusals(COMMANDS, "put", wanted) == []
    assert list(command_faults(wanted)) == []
    assert [command["name"] for command in wanted] == [
        "ask",
        "optout",
        "checkup",
        "letter",
        "topics",
        "help",
        "about",
        "privacy",
        "Answer this",
    ]


def test_what_discord_holds_already_is_left_alone(wanted: list[dict[str, Any]], held: list[dict[str, Any]]):
    """Ids, versions, defaults and the order that Discord adds make no difference."""
    assert overwrite(held, wanted) is None


@pytest.mark.parametrize(
    "change",
    [
        {"description": "other"},
        {"contexts": [0]},
        {"contexts": None},
        {"integration_types": [0]},
        {"default_member_permissions": "8"},
        {"nsfw": True},
        {"name": "other"},
        {"options": [{"type": 3, "name": "question", "description": "x", "required": True}]},
        {"name_localizations": {"de": "hilfe"}},
    ],
)
def test_every_difference_counts(wanted: list[dict[str, Any]], held: list[dict[str, Any]], change: dict[str, Any]):
    """A command that was changed by hand is written over."""
    held[1] = {**held[1], **change}
    assert overwrite(held, wanted) == wanted


def test_missing_and_foreign_commands_count(wanted: list[dict[str, Any]], held: list[dict[str, Any]]):
    """A command that is missing, or that we do not know, is written over."""
    assert overwrite([], wanted) == wanted
    assert overwrite(held[1:], wanted) == wanted
    assert overwrite([*held, {"type": 1, "name": "old", "description": "x"}], wanted) == wanted


def test_an_entry_point_stays(wanted: list[dict[str, Any]], held: list[dict[str, Any]]):
    """An activity's entry point makes no difference, and is written back with the rest."""
    entry = {"id": "9", "type": 4, "name": "launch", "handler": 2}
    assert overwrite([*held, entry], wanted) is None
    assert overwrite([entry], wanted) == [*wanted, entry]
