from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.settings import DISCORD_API, Settings, SettingsError, read_settings

TELEGRAM = "123456:AAExample_Token-value"
DISCORD = "MTIzNDU2.Gexamp.a-value_of-nothing"


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


def test_blanks_around_a_value_do_not_count(tmp_path: Path):
    """A variable of blanks alone is not set, and a blank or carriage return behind a value is no part of it."""
    settings = read(
        tmp_path, "BOT_LOG=json\n", BOT_CONTACT="  ", BOT_LOG=" ", BOT_STATE="\t", BOT_PRIVACY_URL="https://x.org \r"
    )
    assert settings == read(tmp_path, "BOT_LOG=json\n", BOT_PRIVACY_URL="https://x.org")


def test_secrets_come_from_files_too(tmp_path: Path):
    """DISCORD_TOKEN_FILE names a file whose trimmed content is the token; so can an address with a password be named."""
    (tmp_path / "secret").write_text(f"{DISCORD}\n")
    token = read(tmp_path, DISCORD_TOKEN_FILE=str(tmp_path / "secret")).discord_token
    assert token
    assert token.get_secret_value() == DISCORD
    (tmp_path / "state").write_bytes(b"\xef\xbb\xbfredis://:s3cret@valkey\r\n")
    state = read(tmp_path, BOT_STATE_FILE=str(tmp_path / "state")).bot_state
    assert state.url
    assert state.url.get_secret_value() == "redis://:s3cret@valkey"


def test_no_secret_is_shown(tmp_path: Path):
    """Neither repr nor str of the settings hold a token."""
    settings = read(tmp_path, DISCORD_TOKEN=DISCORD, TELEGRAM_TOKEN=TELEGRAM)
    assert DISCORD not in f"{settings!r}{settings}"
    assert TELEGRAM not in f"{settings!r}{settings}"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"TELEGRAM_TOKEN": "nonsense"}, "TELEGRAM_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": "two words"}, "DISCORD_TOKEN is set wrongly: it holds a space"),
        ({"DISCORD_TOKEN": "abc"}, "DISCORD_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": "abc.def"}, "DISCORD_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": "123456789012345678"}, "DISCORD_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": f"{DISCORD}.one"}, "DISCORD_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": f"<{DISCORD}>"}, "DISCORD_TOKEN is set wrongly: it does not look like a bot's token"),
        ({"DISCORD_TOKEN": f'"{DISCORD}"'}, "DISCORD_TOKEN is set wrongly: there are quotation marks around it"),
        ({"DISCORD_TOKEN": f"\u2018{DISCORD}"}, "DISCORD_TOKEN is set wrongly: there are quotation marks around it"),
        ({"TELEGRAM_TOKEN": f'"{TELEGRAM}"'}, "TELEGRAM_TOKEN is set wrongly: there are quotation marks around it"),
        ({"DISCORD_TOKEN": f"Bot {DISCORD}"}, 'DISCORD_TOKEN is set wrongly: it begins with "Bot"'),
        ({"DISCORD_TOKEN": TELEGRAM}, "DISCORD_TOKEN is set wrongly: it is a token of Telegram's"),
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
        ({"DISCORD_SHARD_COUNT": "2", "DISCORD_SHARD_IDS": "1,0,1"}, "DISCORD_SHARD_IDS names a shard twice"),
        ({"DISCORD_SLOTS": "2"}, "DISCORD_SLOTS shares nothing out without BOT_STATE=redis://"),
        (
            {"DISCORD_SLOTS": "2", "DISCORD_SHARD_COUNT": "4", "BOT_STATE": "redis://valkey"},
            "DISCORD_SLOTS shares nothing out without",
        ),
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
    assert not any(secret in str(caught.value) for secret in (DISCORD, TELEGRAM))
    for value in variables.values():
        if "TOKEN" in next(iter(variables)) and "/" not in value and value != "x":
            assert value not in str(caught.value)


def test_a_proxy_of_discords_may_take_another_token(tmp_path: Path):
    """What stands for the token there is not ours to judge; how it was copied is."""
    proxy = {"DISCORD_API_BASE_URL": "http://127.0.0.1:8081/api/v10"}
    token = read(tmp_path, DISCORD_TOKEN=" abc\n", **proxy).discord_token
    assert token
    assert token.get_secret_value() == "abc"
    with pytest.raises(SettingsError, match="it begins with"):
        read(tmp_path, DISCORD_TOKEN="Bot abc", **proxy)


def test_health_can_be_off(tmp_path: Path):
    """BOT_HTTP=off serves no health."""
    assert read(tmp_path, BOT_HTTP="off").bot_http is None


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("sqlite:///var/state.db", "sqlite", "var/state.db"),
        ("sqlite:////var/lib/bot/state.db", "sqlite", "/var/lib/bot/state.db"),
        ("memory://", "memory", None),
        ("redis://:pass@valkey:6379/0", "redis", None),
        ("rediss://valkey", "redis", None),
    ],
)
def test_the_state_is_a_file_a_server_or_nothing(tmp_path: Path, text: str, kind: str, path: str | None):
    """BOT_STATE names a file of SQLite's, a Redis server, whose password is never shown, or memory."""
    state = read(tmp_path, BOT_STATE=text).bot_state
    assert (state.kind, str(state.path) if state.path else None) == (kind, path)
    assert "pass@" not in repr(state)


@pytest.mark.parametrize(
    "address",
    [
        "redis://:s3cret/word@valkey:6379/0",
        "redis://:s3cret@valkey:port/0",
        "redis://:s3cret@valkey:99999/0",
        "redis://:s3cret@[::1/0",
        "redis://:s3cret@valkey/zero",
        "redis://:s3cret@valkey?db=zero",
        "redis://:s3cret@valkey?nonsense=1",
        "redis://:s3cret@valkey?socket_timeout=100",
        "redis://:s3cret@valkey?ssl_ca_certs=/ca.pem",
        "rediss://:s3cret@valkey?ssl_cert_reqs=perhaps",
    ],
)
def test_an_address_to_which_nothing_could_be_connected_is_refused(tmp_path: Path, address: str):
    """It is told in one sentence, which holds nothing of a password that was cut in two."""
    with pytest.raises(SettingsError, match="BOT_STATE is set wrongly: it is no address of Redis or Valkey") as caught:
        read(tmp_path, BOT_STATE=address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("ssl_ca_certs=/nowhere/ca.pem", "its option ssl_ca_certs names a file that cannot be read (No such file"),
        ("ssl_certfile=/", "its option ssl_certfile names a file that cannot be read (Is a directory)"),
        (f"ssl_ca_certs={__file__}", "what its ssl_… options name is no certificate, key or cipher"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_refused_at_the_start(tmp_path: Path, option: str, words: str):
    """It is told as what it is, where it would look like a server that is gone for as long as the bot runs."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, BOT_STATE=f"rediss://:s3cret@valkey?{option}")
    assert str(caught.value).startswith(f"BOT_STATE is set wrongly: {words}")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///", "postgres://x", "state.db", "redis:// x", "redis://"])
def test_a_state_that_is_none_is_refused(tmp_path: Path, text: str):
    """Any other address is told, with an example of the right form."""
    with pytest.raises(SettingsError, match=r"BOT_STATE is set wrongly: it is no store; write sqlite:///"):
        read(tmp_path, BOT_STATE=text)


@pytest.mark.parametrize(("text", "fault"), [(None, "cannot be read"), ("short", "less than 32"), ("", "less than 32")])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, text: str | None, fault: str):
    """A key that is missing or too short is told at the start, with how to make one."""
    if text is not None:
        (tmp_path / "ledger.key").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"BOT_LEDGER_KEY_FILE is set wrongly: .*{fault}.*openssl rand"):
        read(tmp_path, BOT_LEDGER_KEY_FILE=str(tmp_path / "ledger.key"))


def test_a_key_that_is_there_is_not_to_be_made_anew(tmp_path: Path):
    """Where something lies at the path and cannot be read, nobody is told to write another key over it."""
    with pytest.raises(SettingsError, match="correct the path or its permissions") as caught:
        read(tmp_path, BOT_LEDGER_KEY_FILE=str(tmp_path))
    assert "openssl" not in str(caught.value)


@pytest.mark.parametrize("key", [b"ab" * 32, b"q83v" * 11 + b"\n", bytes(range(32))], ids=["hex", "base64", "raw"])
def test_a_key_file_may_have_any_form(tmp_path: Path, key: bytes):
    """Hexadecimal, base64 and raw bytes are keys."""
    (tmp_path / "ledger.key").write_bytes(key)
    assert read(tmp_path, BOT_LEDGER_KEY_FILE=str(tmp_path / "ledger.key")).bot_ledger_key_file


def test_processes_that_share_connections_need_a_shared_state(tmp_path: Path):
    """Without Redis nobody could tell whose connections are whose."""
    with pytest.raises(SettingsError, match=r"DISCORD_SHARD_IDS=auto needs BOT_STATE=redis://"):
        read(tmp_path, DISCORD_SHARD_IDS="auto", DISCORD_SHARD_COUNT="auto")
    shared = read(tmp_path, DISCORD_SHARD_IDS="auto", BOT_STATE="redis://valkey", DISCORD_SLOTS="2")
    assert (shared.discord_shard_ids, shared.discord_slots) == ("auto", 2)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"TELEGRAM_WEBHOOK_SECRET": ""}, "is set without TELEGRAM_WEBHOOK_SECRET; set all three"),
        ({"TELEGRAM_WEBHOOK_URL": ""}, "is set without TELEGRAM_WEBHOOK_URL; set all three"),
        ({"TELEGRAM_WEBHOOK_URL": "http://bot.example.org/telegram"}, "it is no address for a webhook"),
        ({"TELEGRAM_WEBHOOK_URL": "https://bot.example.org:8080/telegram"}, "the ports 443, 80, 88, 8443 only"),
        ({"TELEGRAM_WEBHOOK_SECRET": "ümlaut"}, "it holds a space or a character"),
        ({"TELEGRAM_WEBHOOK_SECRET": "a.b"}, "it may hold 1 to 256 letters"),
        ({"TELEGRAM_WEBHOOK_LISTEN": "8090"}, "it is no host:port"),
    ],
)
def test_a_webhook_is_whole_or_not_there(tmp_path: Path, changes: dict[str, str], fault: str):
    """Address, secret and where to listen belong together, in the form that Telegram takes."""
    whole = {
        "TELEGRAM_WEBHOOK_URL": "https://bot.example.org/telegram",
        "TELEGRAM_WEBHOOK_SECRET": "s3cret",
        "TELEGRAM_WEBHOOK_LISTEN": "127.0.0.1:8090",
    }
    assert read(tmp_path, **whole).telegram_webhook_listen
    with pytest.raises(SettingsError, match=re.escape(fault)):
        read(tmp_path, **{**whole, **changes})


def test_the_example_explains_every_variable():
    """.env.example names each variable that is read."""
    text = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    names = {name.upper() for name in Settings.model_fields} - {"MISSPELT"} | {
        "DISCORD_TOKEN_FILE",
        "TELEGRAM_TOKEN_FILE",
        "TELEGRAM_WEBHOOK_SECRET_FILE",
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
    told = str(caught.value).removeprefix(str(tmp_path))
    assert f", line {line}, cannot be read" in told
    assert "open" not in told


def test_a_variable_that_the_file_sets_twice_is_named(tmp_path: Path):
    """A second line for the same variable is refused with both lines and no value, also where one sets nothing."""
    for first, second in ((TELEGRAM, "1:b"), (TELEGRAM, "")):
        with pytest.raises(SettingsError, match="line 4, sets TELEGRAM_TOKEN again after line 1; keep one") as caught:
            read(tmp_path, f"TELEGRAM_TOKEN={first}\nBOT_LOG=json\n\nexport TELEGRAM_TOKEN={second}\n")
        assert TELEGRAM not in str(caught.value)


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


@pytest.mark.parametrize(
    ("environment", "leases"),
    [({"DISCORD_SHARD_IDS": "auto"}, True), ({"DISCORD_SHARD_COUNT": "auto"}, True),
     ({"DISCORD_SHARD_COUNT": "4", "DISCORD_SHARD_IDS": "auto"}, True), ({"DISCORD_SHARD_COUNT": "4"}, False),
     ({"DISCORD_SHARD_COUNT": "4", "DISCORD_SHARD_IDS": "0,1"}, False), ({}, False)],
)  # fmt: skip
def test_auto_lets_the_processes_share_out_the_connections(tmp_path: Path, environment: dict[str, str], leases: bool):
    """Only where they share a server, and where nobody said which connections are whose."""
    assert read(tmp_path, BOT_STATE="redis://127.0.0.1:6379/0", **environment).leases_slots == leases
    if environment.get("DISCORD_SHARD_IDS") != "auto":
        assert not read(tmp_path, **environment).leases_slots


def test_misspelt_variables_are_noticed(tmp_path: Path):
    """A name that is nearly a known one is remembered with it; names of others are left alone."""
    settings = read(tmp_path, BOT_KNOWLEGE="x", DISCORD_TOKEN_FIEL="y", BOT_ELSE="z", HOME="/")
    assert settings.misspelt == (("BOT_KNOWLEGE", "BOT_KNOWLEDGE"), ("DISCORD_TOKEN_FIEL", "DISCORD_TOKEN_FILE"))
