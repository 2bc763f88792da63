from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import DISCORD_API, LATER, Settings, SettingsError, read_settings

TELEGRAM = "123456:AAExample_Token-value"


def read(tmp_path: Path, env_text: str | None = None, **environment: str) -> Settings:
    file = tmp_path / ".env"
    if env_text is not None:
        file.write_text(env_text, encoding="utf-8")
    return read_settings(environment, file)


def test_nothing_set_gives_the_defaults(tmp_path: Path):
    """Without any variable there is no token, the real addresses, and health on loopback."""
    settings = read(tmp_path)
    assert settings.discord_token is None
    assert settings.telegram_token is None
    assert settings.discord_api_base_url == DISCORD_API
    assert settings.bot_http
    assert (settings.bot_http.host, settings.bot_http.port) == ("127.0.0.1", 8080)
    assert settings.http_is_default
    assert settings.bot_knowledge.name == "knowledge"


def test_the_environment_goes_before_the_file(tmp_path: Path):
    """A variable of the environment wins over .env; one set to nothing counts as not set."""
    settings = read(tmp_path, "BOT_LOG=json\nBOT_CONTACT=file@example.org\n", BOT_CONTACT="env@example.org", BOT_LOG="")
    assert (settings.bot_log, settings.bot_contact) == ("json", "env@example.org")


def test_secrets_come_from_files_too(tmp_path: Path):
    """DISCORD_TOKEN_FILE names a file whose trimmed content is the token."""
    (tmp_path / "secret").write_text("abc.def\n")
    token = read(tmp_path, DISCORD_TOKEN_FILE=str(tmp_path / "secret")).discord_token
    assert token
    assert token.get_secret_value() == "abc.def"


def test_no_secret_is_shown(tmp_path: Path):
    """Neither repr nor str of the settings hold a token."""
    settings = read(tmp_path, DISCORD_TOKEN="hush-hush", TELEGRAM_TOKEN=TELEGRAM)
    assert "hush-hush" not in f"{settings!r}{settings}"
    assert TELEGRAM not in f"{settings!r}{settings}"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"TELEGRAM_TOKEN": "nonsense"}, "TELEGRAM_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": "two words"}, "DISCORD_TOKEN is set wrongly: it holds a space"),
        ({"DISCORD_TOKEN": "tökén"}, "DISCORD_TOKEN is set wrongly"),
        ({"BOT_HTTP": "8080"}, "BOT_HTTP is set wrongly: it is no host:port; write it like 127.0.0.1:8080, or off"),
        ({"BOT_HTTP": "127.0.0.1:99999"}, "BOT_HTTP is set wrongly"),
        ({"BOT_LOG": "xml"}, "BOT_LOG is set wrongly: it is not one of 'console' or 'json'"),
        ({"DISCORD_API_BASE_URL": "discord"}, "DISCORD_API_BASE_URL is set wrongly: it is no address"),
        ({"TELEGRAM_API_BASE_URL": "ftp://x"}, "TELEGRAM_API_BASE_URL is set wrongly"),
        ({"DISCORD_SHARD_COUNT": "none"}, "DISCORD_SHARD_COUNT is set wrongly: it is no number of shards"),
        ({"DISCORD_SHARD_IDS": "0,1"}, "DISCORD_SHARD_IDS is set without DISCORD_SHARD_COUNT"),
        ({"DISCORD_SHARD_COUNT": "2", "DISCORD_SHARD_IDS": "0,2"}, "DISCORD_SHARD_IDS names a shard beyond 1"),
        ({"DISCORD_SHARD_COUNT": "2", "DISCORD_SHARD_IDS": "a"}, "DISCORD_SHARD_IDS is set wrongly"),
        ({"BOT_PRIVACY_URL": "example.org"}, "BOT_PRIVACY_URL is set wrongly: it is no web address"),
        ({"BOT_CONTACT": "a\nb"}, "BOT_CONTACT is set wrongly: it holds a line break"),
        ({"BOT_PRIVACY_URL": "https://me:pw@example.org/"}, "BOT_PRIVACY_URL is set wrongly: it is no web address"),
        ({"BOT_KNOWLEDGE": "~nobody-of-this-name/k"}, "BOT_KNOWLEDGE is set wrongly: it names the home"),
        ({"BOT_CACHE": "a\0b"}, "BOT_CACHE is set wrongly: it is no path"),
        ({"DISCORD_TOKEN_FILE": "a\0b"}, "DISCORD_TOKEN_FILE names a file that cannot be read (it is no path)"),
        ({"DISCORD_TOKEN_FILE": "/dev/zero"}, "DISCORD_TOKEN is set wrongly: it holds a space or a character"),
        ({"DISCORD_TOKEN_FILE": "/nowhere/token"}, "DISCORD_TOKEN_FILE names a file that cannot be read"),
        ({"DISCORD_TOKEN_FILE": "/nowhere", "DISCORD_TOKEN": "x"}, "DISCORD_TOKEN and DISCORD_TOKEN_FILE are both set"),
    ],
)
def test_a_bad_setting_is_one_sentence(tmp_path: Path, variables: dict[str, str], sentence: str):
    """A bad variable is named with its fault and remedy, without its value when it is a secret."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **variables)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    for value in variables.values():
        if "TOKEN" in next(iter(variables)) and "/" not in value and value != "x":
            assert value not in str(caught.value)


def test_health_can_be_off(tmp_path: Path):
    """BOT_HTTP=off serves no health."""
    assert read(tmp_path, BOT_HTTP="off").bot_http is None


def test_reserved_variables_are_noticed(tmp_path: Path):
    """A variable that this version does not read yet is remembered, so that it can be told."""
    assert read(tmp_path, BOT_STATE="memory://").unread == ("BOT_STATE",)
    assert set(read(tmp_path, **dict.fromkeys(LATER, "x")).unread) == set(LATER)


def test_the_example_explains_every_variable():
    """.env.example names each variable that is read."""
    text = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    names = {name.upper() for name in Settings.model_fields} - {"UNREAD", "MISSPELT"} | {
        "DISCORD_TOKEN_FILE",
        "TELEGRAM_TOKEN_FILE",
    }
    assert sorted(name for name in names if f"# {name}=" not in text) == []


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path):
    """Windows editors put a mark before the first variable; it still counts."""
    assert read(tmp_path, "\ufeffBOT_LOG=json\r\nexport BOT_CONTACT = 'me'\r\n").bot_log == "json"


@pytest.mark.parametrize(
    ("text", "line"),
    [("BOT_LOG=json\nhello world\n", 2), ("\n\nBOT_LOG\n", 3), ('# x\nBOT_CONTACT="open\nX', 2), ("=5\n", 1)],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, line: int):
    """A line of .env is never passed over in silence, and never shown: it may hold a secret."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert f", line {line}, cannot be read" in str(caught.value)
    assert "open" not in str(caught.value)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path):
    """UTF-16, Latin-1 and folders are told in words."""
    for raw in ("BOT_LOG=json\n".encode("utf-16"), b"BOT_CONTACT=caf\xe9\n"):
        (tmp_path / ".env").write_bytes(raw)
        with pytest.raises(SettingsError, match="save it as UTF-8"):
            read(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        read(tmp_path)


def test_misspelt_variables_are_noticed(tmp_path: Path):
    """A name that is nearly a known one is remembered with it; names of others are left alone."""
    settings = read(tmp_path, BOT_KNOWLEGE="x", DISCORD_TOKEN_FIEL="y", BOT_ELSE="z", HOME="/")
    assert settings.misspelt == (("BOT_KNOWLEGE", "BOT_KNOWLEDGE"), ("DISCORD_TOKEN_FIEL", "DISCORD_TOKEN_FILE"))
