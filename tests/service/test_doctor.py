from __future__ import annotations

import asyncio
import datetime
import os
import socket
import sys
from pathlib import Path
from typing import Any

import discord_server
import pytest
from conftest import ROOT
from discord_server import TOKEN as DISCORD_TOKEN
from discord_server import DiscordServer
from telegram import User, WebhookInfo
from telegram_server import TOKEN as TELEGRAM_TOKEN
from telegram_server import Fault, TelegramServer

from bot.knowledge.model import Knowledge
from bot.platforms.diagnosis import Diagnosis, Level, clock
from bot.platforms.discord import diagnosis as of_discord
from bot.platforms.discord.commands import definitions
from bot.platforms.telegram import diagnosis as of_telegram
from bot.service import doctor

NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
OURS = "https://bot.example.org/telegram"


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


async def ask_telegram(server: TelegramServer, small: Knowledge, **more: Any) -> list[Diagnosis]:
    given: dict[str, Any] = {
        "token": TELEGRAM_TOKEN,
        "webhook": None,
        "now": now,
        "running": False,
        "listen": 0,
        **more,
    }
    return list(await of_telegram.diagnose(base_url=server.base_url, texts=small.texts, **given))


async def ask_discord(server: DiscordServer, small: Knowledge, **more: Any) -> list[Diagnosis]:
    given: dict[str, Any] = {"token": DISCORD_TOKEN, "shards": 3, "now": now, **more}
    return list(await of_discord.diagnose(base_url=server.base_url, texts=small.texts.commands, **given))


def wrong(found: list[Diagnosis] | tuple[Diagnosis, ...]) -> list[str]:
    return [diagnosis.text for diagnosis in found if diagnosis.level is Level.WRONG]


def told(found: list[Diagnosis] | tuple[Diagnosis, ...], words: str) -> Level:
    """Return the level of the one diagnosis that holds some words."""
    (level,) = [diagnosis.level for diagnosis in found if words in diagnosis.text]
    return level


# Settings and knowledge.


def test_missing_addresses_are_wrong():
    """Without a contact and a privacy policy, each is named with the variable to set; with both all is well."""
    (contact, policy) = wrong(doctor.of_operator(None, None))
    assert contact.startswith("BOT_CONTACT is not set")
    assert policy.startswith("BOT_PRIVACY_URL is not set")
    assert wrong(doctor.of_operator("me@example.org", "https://example.org/p")) == []


def test_tokens_and_variables():
    """No token at all is wrong, one of two is a choice; a misspelt variable is wrong, since nobody reads it."""
    assert told(doctor.of_tokens({"A": False, "B": False}), "set A or B") is Level.WRONG
    assert [found.level for found in doctor.of_tokens({"A": True, "B": False})] == [Level.HINT]
    found = doctor.of_variables([("BOT_CONTAKT", "BOT_CONTACT")])
    assert wrong(found) == ["BOT_CONTAKT is set, but nobody knows it, so it has no effect; did you mean BOT_CONTACT?"]


def test_a_key_that_others_can_read_is_wrong(tmp_path: Path):
    """The ledger's key is for the bot alone; one that is not there is told as well."""
    key = tmp_path / "key"
    assert "cannot be read" in doctor.of_ledger_key(key).text
    key.write_text("secret")
    key.chmod(0o644)
    assert doctor.of_ledger_key(key).level is Level.WRONG
    key.chmod(0o440)
    assert doctor.of_ledger_key(key).level is Level.HINT
    key.chmod(0o600)
    assert doctor.of_ledger_key(key).level is Level.FINE
    assert doctor.of_ledger_key(None).level is Level.HINT


def test_a_state_that_cannot_be_written_is_wrong(tmp_path: Path):
    """A file that is there or can be made is fine; one below a file, or a folder in its place, can keep nothing."""
    (tmp_path / "state.db").write_bytes(b"")
    for good in ("state.db", "var/deep/state.db"):
        assert doctor.of_state_file(tmp_path / good).level is Level.FINE
    for bad in ("state.db/state.db", "."):
        told = doctor.of_state_file(tmp_path / bad)
        assert told.level is Level.WRONG
        assert "BOT_STATE" in told.text


def test_findings_of_the_knowledge_stop_nothing():
    """Errors are wrong, findings are for editors."""
    levels = [doctor.of_knowledge(*counts).level for counts in ((2, 1), (0, 3), (0, 0))]
    assert levels == [Level.WRONG, Level.HINT, Level.FINE]


@pytest.mark.parametrize(("off", "level"), [(0, Level.FINE), (4, Level.FINE), (90, Level.WRONG), (-90, Level.WRONG)])
def test_a_clock_that_is_off_is_told(off: int, level: Level):
    """The clock is compared with the date of a platform's answer."""
    found = clock("Telegram", "Wed, 25 Nov 2026 12:00:00 GMT", NOW + datetime.timedelta(seconds=off))
    assert found
    assert found.level is level
    assert ("90 seconds fast" in found.text, "90 seconds slow" in found.text) == (off == 90, off == -90)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_date_says_nothing_about_the_clock(date: str | None):
    """Whatever stands there, it raises nothing."""
    assert clock("Telegram", date, NOW) is None


# Telegram.


async def test_a_bot_that_is_set_up_has_nothing_wrong_on_telegram(telegram: TelegramServer, small: Knowledge):
    """Privacy mode, inline mode, webhook, other pollers and the clock are told, and nothing is changed."""
    found = await ask_telegram(telegram, small)
    assert wrong(found) == []
    for words in ("Privacy mode is on", "The token is good", "the bot polls", "No other process", "The clock agrees"):
        assert told(found, words) is Level.FINE
    assert told(found, "other commands than this version") is Level.HINT
    changing = ("setMyCommands", "setWebhook", "deleteWebhook", "setMyDescription", "setMyShortDescription")
    assert telegram.of(*changing) == []


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ({"can_read_all_group_messages": True}, "Privacy mode is off"),
        ({"supports_inline_queries": False}, "Inline mode is off"),
        ({"can_join_groups": False}, "cannot be added to groups"),
    ],
)
def test_switches_of_telegram_are_told_with_their_remedy(switch: dict[str, bool], words: str):
    """Each sentence names the command of BotFather that changes it."""
    on = {"can_read_all_group_messages": False, "supports_inline_queries": True, "can_join_groups": True}
    found = of_telegram.settings_of(User(1, "guide", is_bot=True, **{**on, **switch}))
    assert told(found, words) is Level.HINT
    assert sum(diagnosis.level is Level.HINT for diagnosis in found) == 1
    assert "BotFather" in next(diagnosis.text for diagnosis in found if diagnosis.level is Level.HINT)


async def test_a_webhook_is_told_and_removed_only_when_asked_to(telegram: TelegramServer, small: Knowledge):
    """It is named with the command that removes it; removing it keeps what waits."""
    telegram.webhook = "https://elsewhere.example/secret-path"
    found = await ask_telegram(telegram, small)
    assert "doctor --delete-webhook" in " ".join(wrong(found))
    assert not any("secret-path" in diagnosis.text for diagnosis in found)
    assert telegram.webhook
    assert wrong(await ask_telegram(telegram, small, delete_webhook=True)) == []
    assert telegram.webhook == ""
    (call,) = telegram.of("deleteWebhook")
    assert call.value("drop_pending_updates") in {None, False}


@pytest.mark.parametrize(
    ("url", "ours", "level"),
    [
        (OURS, OURS, Level.FINE),
        ("", OURS, Level.HINT),
        ("https://x.example", OURS, Level.WRONG),
        ("", None, Level.FINE),
    ],
)
def test_the_webhook_is_compared_with_the_settings(url: str, ours: str | None, level: Level):
    """By webhook, ours is well, none yet is set at the start, and another one is wrong."""
    (found,) = of_telegram.webhook_of(WebhookInfo(url, has_custom_certificate=False, pending_update_count=0), ours, NOW)
    assert found.level is level


@pytest.mark.parametrize(("ago", "count"), [(10, 1), (7_200, 0)])
def test_a_delivery_that_failed_lately_is_wrong(ago: int, count: int):
    """What failed long ago has been mended."""
    failed = NOW - datetime.timedelta(seconds=ago)
    info = WebhookInfo(OURS, has_custom_certificate=False, pending_update_count=0, last_error_date=failed)
    assert len(wrong(of_telegram.webhook_of(info, OURS, NOW))) == count


async def test_another_poller_is_told(telegram: TelegramServer, small: Knowledge):
    """A conflict means that somebody else fetches; while our own bot runs here, nobody disturbs it."""
    telegram.faults.append(Fault("getUpdates", 409, "Conflict: terminated by other getUpdates request"))
    assert "Another process receives the messages" in " ".join(wrong(await ask_telegram(telegram, small)))
    asked = len(telegram.of("getUpdates"))
    assert told(await ask_telegram(telegram, small, running=True), "The bot that runs here") is Level.FINE
    assert len(telegram.of("getUpdates")) == asked


async def test_listening_for_a_poller_loses_no_message(telegram: TelegramServer, small: Knowledge):
    """What waits for the bot still waits afterwards."""
    await telegram.write("are my dms read")
    waiting = list(telegram.unconfirmed)
    await ask_telegram(telegram, small)
    assert waiting
    assert telegram.unconfirmed == waiting


async def test_a_question_that_telegram_refuses_is_no_outage(telegram: TelegramServer, small: Knowledge):
    """It was reached, so nobody looks at the network."""
    telegram.faults.append(Fault("getWebhookInfo", 400, "Bad Request: SECRET"))
    (sentence,) = wrong(await ask_telegram(telegram, small))
    assert sentence.startswith("Telegram refuses a question about the bot (BadRequest)")


async def test_a_bad_or_unreachable_telegram_is_one_sentence(telegram: TelegramServer, small: Knowledge):
    """Neither raises, and no sentence holds the token."""
    (refused,) = wrong(await ask_telegram(telegram, small, token="4711:something-else"))
    assert "does not accept the token" in refused
    telegram.faults.append(Fault("getMe", 502, page="<html>bad gateway</html>"))
    (page,) = wrong(await ask_telegram(telegram, small))
    assert "cannot be reached" in page
    await telegram.stop()
    (gone,) = wrong(await ask_telegram(telegram, small))
    assert "cannot be reached" in gone
    assert TELEGRAM_TOKEN not in refused + page + gone


async def test_a_page_in_place_of_telegram_is_told_as_one(telegram: TelegramServer, small: Knowledge):
    """Whoever sits behind the sign-in page of a network is sent there, and its clock is not taken for Telegram's."""
    telegram.faults.append(Fault("getMe", 200, page="<html>sign in</html>"))
    (found,) = await ask_telegram(telegram, small)
    assert found.text.startswith("Something that is not Telegram answers in its place (status 200)")
    telegram.faults.append(Fault("getMyCommands", 502, page="<html>bad gateway</html>"))
    (page,) = wrong(await ask_telegram(telegram, small))
    assert "an error page comes in place of its answer (status 502)" in page


@pytest.mark.parametrize("fault", [{"drip": 0.05}, {"hold": True}])
async def test_a_telegram_that_does_not_end_its_answers_is_told_soon(
    telegram: TelegramServer, small: Knowledge, fault: dict[str, Any]
):
    """All questions together have their time, and what was told before it ran out stays."""
    held = asyncio.Event()
    telegram.faults.append(Fault("getWebhookInfo", **({"hold": held} if "hold" in fault else fault)))
    found = await ask_telegram(telegram, small, within=1.0)
    held.set()
    assert told(found, "The token is good") is Level.FINE
    (slow,) = wrong(found)
    assert slow.startswith("Telegram does not answer all questions within")


async def test_listening_for_a_poller_is_not_counted_as_slow(telegram: TelegramServer, small: Knowledge):
    """Telegram holds that question for as long as it is told to."""
    assert wrong(await ask_telegram(telegram, small, listen=2, within=1.9)) == []


# Discord.

WELL = {
    "privacy_policy_url": "https://example.org/p",
    "terms_of_service_url": "https://example.org/t",
    "bot_public": True,
    "integration_types_config": {
        "0": {"oauth2_install_params": {"scopes": ["bot", "applications.commands"], "permissions": "0"}},
        "1": {"oauth2_install_params": {"scopes": ["applications.commands"], "permissions": "0"}},
    },
}


async def test_a_bot_that_is_set_up_has_nothing_to_be_told_on_discord(discord: DiscordServer, small: Knowledge):
    """Intents, installation, pages, connections, commands and clock are told, and all are well."""
    discord.application = WELL
    discord.commands = [{**command, "id": "1"} for command in definitions(small.texts.commands)]
    found = await ask_discord(discord, small)
    assert {diagnosis.level for diagnosis in found} == {Level.FINE}
    for words in ("No privileged intent", "can install", "Privacy policy", "1000 more", "commands are those", "clock"):
        assert told(found, words) is Level.FINE


@pytest.mark.parametrize(
    ("change", "words", "level"),
    [
        ({"flags": 1 << 19}, "Privileged intents are switched on (message content)", Level.HINT),
        ({"bot_public": False}, "not public", Level.HINT),
        ({"privacy_policy_url": None}, "names no privacy policy", Level.WRONG),
        ({"terms_of_service_url": ""}, "names no terms of service", Level.HINT),
        ({"interactions_endpoint_url": "https://x.example"}, "interactions endpoint URL", Level.WRONG),
        ({"integration_types_config": {"0": {}}}, "cannot be installed by people", Level.HINT),
        (
            {"integration_types_config": {"0": {"oauth2_install_params": {"scopes": ["bot"]}}, "1": None}},
            "lacks the scope applications.commands",
            Level.WRONG,
        ),
    ],
)
def test_settings_of_discord_are_told_with_their_remedy(change: dict[str, Any], words: str, level: Level):
    """Each sentence names the page of the developer portal where it is changed."""
    application = {"flags": 0, **WELL, **change}
    found = (*of_discord.settings_of(application), *of_discord.endpoint_of(application))
    assert told(found, words) is level
    assert all("developer portal" in diagnosis.text for diagnosis in found if diagnosis.level is not Level.FINE)


@pytest.mark.parametrize(
    "odd", [{}, {"flags": "x", "integration_types_config": [1]}, {"integration_types_config": {"1": 7}}]
)
def test_an_odd_application_raises_nothing(odd: dict[str, Any]):
    """What Discord leaves out or tells in another way is passed by."""
    assert wrong(of_discord.settings_of(odd))


async def test_a_day_without_new_connections_is_told(discord: DiscordServer, small: Knowledge):
    """Fewer left than there are connections to start is wrong; fewer connections than recommended is a hint."""
    discord.application = WELL
    discord.limit = {**discord.limit, "remaining": 0}
    found = await ask_discord(discord, small, shards=1)
    (waits,) = wrong(found)
    assert waits.startswith("Discord allows 0 new connections today and the bot needs 1, so it would wait;")
    assert told(found, "Discord recommends 3 connections") is Level.HINT


async def test_a_bad_or_unreachable_discord_is_one_sentence(discord: DiscordServer, small: Knowledge):
    """Neither raises, and no sentence holds the token."""
    (refused,) = wrong(await ask_discord(discord, small, token="Wrong.token"))
    assert "refuses the token" in refused
    base = "http://127.0.0.1:9/api/v10"
    found = await of_discord.diagnose(token=DISCORD_TOKEN, base_url=base, texts=small.texts.commands, shards=1, now=now)
    (gone,) = wrong(found)
    assert "cannot be reached" in gone
    assert DISCORD_TOKEN not in refused + gone


async def test_a_discord_that_hangs_is_told_in_time_beside_what_it_told(discord: DiscordServer, small: Knowledge):
    """All questions together have one bound; what was answered before it is not lost."""
    discord.application = WELL
    discord.fail("/gateway/bot$", discord_server.Fault(hang=True))
    found = await ask_discord(discord, small, within=0.5)
    assert told(found, "The token is good.") is Level.FINE
    (slow,) = wrong(found)
    assert slow.startswith("Discord does not answer all questions within")


@pytest.mark.parametrize(
    ("path", "words", "level"),
    [
        ("/applications/@me$", "Discord does not tell about the application", Level.WRONG),
        ("/gateway/bot$", "Discord does not tell how many new connections", Level.WRONG),
        ("/commands$", "Discord does not tell which commands it shows", Level.HINT),
    ],
)
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (discord_server.HTML, "(status 502, a page in place of an answer)"),
        (discord_server.Fault(200, "<html>sign in</html>"), "(status 200, a page in place of an answer)"),
        (discord_server.limited(1), "(status 429)"),
    ],
)
async def test_what_discord_does_not_tell_is_no_silence(
    discord: DiscordServer, small: Knowledge, path: str, words: str, level: Level, fault: discord_server.Fault, why: str
):
    """Each question that gets an error or a page in place of its answer is told, with the reason."""
    discord.application = WELL
    discord.fail(path, fault)
    found = await ask_discord(discord, small)
    assert told(found, words) is level
    assert told(found, why) is level


# The command.


async def run_doctor(*arguments: str, **environment: str) -> tuple[int, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor", *arguments,
        cwd=ROOT / "tests",  # where no .env lies
        env={**kept, "BOT_HTTP": "off", "NO_PROXY": "*", **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_command_tells_all_of_it(telegram: TelegramServer, discord: DiscordServer):
    """A line each, with a mark in front; exit 1 where something is wrong, and no token anywhere."""
    environment = {**discord.environment, "TELEGRAM_TOKEN": TELEGRAM_TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url}
    # What waits is handed over at once, so that nobody is listened for.
    await telegram.write("hello")
    code, output = await run_doctor(**environment)
    assert code == 1
    for line in ("wrong Settings: BOT_CONTACT", "ok    Telegram: The token", "wrong Discord: The application names"):
        assert line in output
    assert TELEGRAM_TOKEN not in output
    assert DISCORD_TOKEN not in output
    assert "Traceback" not in output


async def test_a_webhook_without_a_token_cannot_be_removed():
    """It is one sentence, and bad usage."""
    assert await run_doctor("--delete-webhook") == (
        2, "TELEGRAM_TOKEN is not set, so there is no webhook to remove; set it.\n"
    )  # fmt: skip


async def test_a_knowledge_with_errors_is_no_silence_about_the_platforms(telegram: TelegramServer, tmp_path: Path):
    """It is said that they were not asked, and that a webhook to be removed is still there."""
    environment = {
        "BOT_KNOWLEDGE": str(tmp_path), "TELEGRAM_TOKEN": TELEGRAM_TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url
    }  # fmt: skip
    code, output = await run_doctor(**environment)
    assert code == 1
    assert "note  Knowledge: The platforms were not asked" in output
    code, output = await run_doctor("--delete-webhook", **environment)
    assert code == 1
    assert "the webhook was not touched" in output
    assert not telegram.of("deleteWebhook")


async def test_a_server_of_the_state_that_does_not_answer_is_told():
    """What processes share is asked for too, and the password in its address is not shown."""
    with socket.socket() as deaf:
        # Bound and not listening: nobody else gets the port, and whoever calls is refused.
        deaf.bind(("127.0.0.1", 0))
        code, output = await run_doctor(BOT_STATE=f"redis://:s3cret@127.0.0.1:{deaf.getsockname()[1]}/0")
    assert code == 1
    assert "wrong Settings: Redis is gone (ConnectionError). People are answered" in output
    assert "s3cret" not in output
