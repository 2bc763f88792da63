"""Read the settings once, from the environment and then .env, into one frozen object."""

from __future__ import annotations

import difflib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

DISCORD_API = "https://discord.com/api/v10"
TELEGRAM_API = "https://api.telegram.org/bot"
_CHECKOUT = Path(__file__).resolve().parent.parent

WEBHOOK_PORTS = (443, 80, 88, 8443)
"""Where Telegram delivers (https://core.telegram.org/bots/api#setwebhook)."""


class SettingsError(Exception):
    """Refuse the settings, in one sentence with the variable, its fault and the remedy."""


class Address(BaseModel):
    """A host and port to listen on."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int


class StateAt(BaseModel):
    """Where the state is kept: in a file of SQLite's, in Redis or Valkey (`url`, which may hold a password), or nowhere."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["sqlite", "redis", "memory"]
    path: Path | None = None
    url: SecretStr | None = None


def _state(value: Any) -> Any:
    """Read a store's address; as in SQLAlchemy's, three slashes begin a relative path and four an absolute one."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in {"memory://", "memory:"}:
        return StateAt(kind="memory")
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///") and "\0" not in text:
        return StateAt(kind="sqlite", path=_folder(text.removeprefix("sqlite:///")))
    if re.fullmatch(r"rediss?://[!-~]+", text):
        _refuse_bad_redis(text)
        return StateAt(kind="redis", url=SecretStr(text))
    raise ValueError("it is no store; write sqlite:///var/state.db, redis://127.0.0.1:6379/0 or memory://")


def _refuse_bad_redis(url: str) -> None:
    """Raise ValueError where nothing could be connected to an address; it may hold a password, so nothing of it is told."""
    from bot.service.connections import CertificatesError, pool  # noqa: PLC0415 - it brings a library that few settings need

    try:
        pool(url, within=1)
    except CertificatesError as error:
        raise ValueError(f"{error}; correct the path or the file, which the bot's user must be able to read") from None
    except ValueError:
        raise ValueError(
            "it is no address of Redis or Valkey; write it like redis://127.0.0.1:6379/0, with rediss: and ssl_… options for "
            "TLS, and signs like / # @ in a password as %2F %23 %40"
        ) from None


def _key_file(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    from bot.service.sealing import read_key  # noqa: PLC0415 - it brings a library that few settings need

    path = _folder(value)
    try:
        path.open("rb").close()
    except FileNotFoundError:
        pass
    except OSError as error:
        # A key that is there must not be made anew: what was given to the editors could not be read with another one.
        raise ValueError(
            f"it names a file that cannot be read ({error.strerror}); correct the path or its permissions"
        ) from None
    # Read here, so that a bad one is told at the start and not when somebody presses the button.
    read_key(path)
    return path


def _api(example: str) -> AfterValidator:
    """Return a validator for the address of a platform's interface."""

    def read(url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ValueError(f"it is no address; write it like {example}")
        return url.rstrip("/")

    return AfterValidator(read)


def _token(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str):
        text = text.strip()
        if not text:
            return None
        if text[0] in _QUOTES or text[-1] in _QUOTES:
            raise ValueError("there are quotation marks around it; write it without them")
        # httpx and aiohttp would put anything else into an address or a header as it is.
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("it holds a space or a character that no token has; copy it again")
    return text


_QUOTES = "'\"`\u2018\u2019\u201c\u201d"
_TELEGRAM_SHAPE = r"\d+:[A-Za-z0-9_-]+"


def _discord(value: Any) -> Any:
    """Read a token of Discord's; raises ValueError for the ways in which it is often copied wrongly."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str) or not (text := text.strip()):
        return _token(value)
    if re.match(r"bot\s", text, re.IGNORECASE):
        raise ValueError('it begins with "Bot"; write the token alone')
    if re.fullmatch(_TELEGRAM_SHAPE, text):
        raise ValueError("it is a token of Telegram's; write that into TELEGRAM_TOKEN, and here the one of Discord")
    return _token(text)


_DISCORD_SHAPE = r"[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+){2}"
"""Three parts with dots between, as https://docs.discord.com/developers/reference#authentication shows. How long they
are has changed before, so that is Discord's to refuse."""

_COPY_DISCORD = "copy it from the developer portal (your application, page Bot, Reset Token)"


def _telegram(token: SecretStr) -> SecretStr:
    if not re.fullmatch(_TELEGRAM_SHAPE, token.get_secret_value()):
        raise ValueError("it does not look like a bot's token; copy it from BotFather (digits, a colon, letters)")
    return token


def _listen(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "off":
        return None
    match = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[^\s:]*):(\d{1,5})", value.strip())
    if not match or int(match[2]) > 65535:
        raise ValueError("it is no host:port; write it like 127.0.0.1:8080, or off")
    return Address(host=match[1].strip("[]") or "0.0.0.0", port=int(match[2]))  # noqa: S104 - an empty host is the operator's own choice


def _ids(value: Any) -> Any:
    if not isinstance(value, str) or value.strip().lower() == "auto":
        return "auto" if isinstance(value, str) else value
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", value):
        raise ValueError("it is no list of shard numbers; write it like 0,1,2, or auto")
    return tuple(int(part) for part in value.split(","))


def _number(what: str, *, auto: bool = False) -> BeforeValidator:
    """Return a validator for a whole number from 1 on, or `auto` where that means something."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if auto and value.strip().lower() == "auto":
            return "auto"
        if not re.fullmatch(r"\s*[1-9]\d{0,5}\s*", value):
            raise ValueError(f"it is no number of {what}; write a whole number from 1 on{', or auto' if auto else ''}")
        return int(value)

    return BeforeValidator(read)


def _webhook(url: str) -> str:
    parts = re.fullmatch(r"https://([^\s/?#@:]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?(/[!-~]*)?", url)
    if not parts or "?" in url or "#" in url:
        raise ValueError("it is no address for a webhook; write it like https://bot.example.org/telegram")
    if parts[2] and int(parts[2]) not in WEBHOOK_PORTS:
        ports = ", ".join(map(str, WEBHOOK_PORTS))
        raise ValueError(f"Telegram delivers to the ports {ports} only; use one of them")
    return url


def _webhook_secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret.get_secret_value()):
        raise ValueError("it may hold 1 to 256 letters, digits, _ and -; make one with: openssl rand -hex 32")
    return secret


def _web(url: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", url) or "@" in url.split("/")[2] or re.search(r"[<>\"`\\]", url):
        raise ValueError("it is no web address; write it like https://example.org/privacy")
    return url


def _shown(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds a line break or a character that nobody sees; write it on one line")
    return text


def _folder(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise ValueError("it is no path; write the path of a folder")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("it names the home of somebody who is not known here; write the whole path") from None


Token = Annotated[SecretStr | None, BeforeValidator(_token)]
Folder = Annotated[Path, BeforeValidator(_folder)]


class Settings(BaseModel):
    """Everything that an operator can set; the field names are the variables in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    discord_token: Annotated[SecretStr | None, BeforeValidator(_discord)] = None
    telegram_token: Annotated[
        SecretStr | None, BeforeValidator(_token), AfterValidator(lambda t: _telegram(t) if t else t)
    ] = None
    discord_api_base_url: Annotated[str, _api("http://127.0.0.1:8081/api/v10")] = DISCORD_API
    telegram_api_base_url: Annotated[str, _api("http://127.0.0.1:8082/bot")] = TELEGRAM_API
    telegram_webhook_url: Annotated[str | None, AfterValidator(lambda url: _webhook(url) if url else url)] = None
    telegram_webhook_secret: Annotated[
        SecretStr | None, BeforeValidator(_token), AfterValidator(lambda s: _webhook_secret(s) if s else s)
    ] = None
    telegram_webhook_listen: Annotated[Address | None, BeforeValidator(_listen)] = None
    telegram_replicas: Annotated[int, _number("processes")] = 1
    discord_shard_count: Annotated[int | Literal["auto"] | None, _number("shards", auto=True)] = None
    discord_shard_ids: Annotated[tuple[int, ...] | Literal["auto"] | None, BeforeValidator(_ids)] = None
    discord_slots: Annotated[int | None, _number("processes")] = None
    bot_knowledge: Folder = _CHECKOUT / "knowledge"
    bot_cache: Folder = _CHECKOUT / "var" / "cache"
    bot_state: Annotated[StateAt, BeforeValidator(_state)] = StateAt(kind="sqlite", path=_CHECKOUT / "var" / "state.db")
    bot_ledger_key_file: Annotated[Path | None, BeforeValidator(_key_file)] = None
    bot_http: Annotated[Address | None, BeforeValidator(_listen)] = Address(host="127.0.0.1", port=8080)
    bot_contact: Annotated[
        str | None, AfterValidator(lambda text: _shown(text) if text else text), Field(max_length=200)
    ] = None
    bot_privacy_url: Annotated[
        str | None, AfterValidator(lambda url: _web(url) if url else url), Field(max_length=400)
    ] = None
    bot_log: Literal["console", "json"] = "console"
    misspelt: tuple[tuple[str, str], ...] = ()
    """Variables that nobody knows, each with the one that was probably meant."""

    @model_validator(mode="after")
    def _shards(self) -> Settings:
        ids, count = self.discord_shard_ids, self.discord_shard_count
        if isinstance(ids, tuple) and (count is None or count == "auto"):
            raise ValueError("DISCORD_SHARD_IDS is set without DISCORD_SHARD_COUNT; set both or neither")
        if isinstance(ids, tuple) and isinstance(count, int) and max(ids) >= count:
            raise ValueError(f"DISCORD_SHARD_IDS names a shard beyond {count - 1}; raise DISCORD_SHARD_COUNT")
        if isinstance(ids, tuple) and len(set(ids)) < len(ids):
            # Each would answer everything once more.
            raise ValueError("DISCORD_SHARD_IDS names a shard twice; name each one once")
        return self

    @model_validator(mode="after")
    def _discord_shape(self) -> Settings:
        token = self.discord_token.get_secret_value() if self.discord_token else None
        # What a proxy or a test server takes in its place is theirs to say.
        if token and self.discord_api_base_url == DISCORD_API and not re.fullmatch(_DISCORD_SHAPE, token):
            raise ValueError(
                "DISCORD_TOKEN is set wrongly: it does not look like a bot's token, which has three parts with dots "
                f"between; {_COPY_DISCORD}"
            )
        return self

    @model_validator(mode="after")
    def _shared_slots(self) -> Settings:
        if self.discord_shard_ids == "auto" and self.bot_state.kind != "redis":
            raise ValueError(
                "DISCORD_SHARD_IDS=auto needs BOT_STATE=redis://…, through which the processes agree; set it"
            )
        if self.discord_slots and not self.leases_slots:
            # Each process would hold all connections, so that each question would be answered by every one.
            raise ValueError(
                "DISCORD_SLOTS shares nothing out without BOT_STATE=redis://… and DISCORD_SHARD_IDS=auto; set both, or "
                "leave it out"
            )
        return self

    @model_validator(mode="after")
    def _whole_webhook(self) -> Settings:
        parts = {
            "TELEGRAM_WEBHOOK_URL": self.telegram_webhook_url,
            "TELEGRAM_WEBHOOK_SECRET": self.telegram_webhook_secret,
            "TELEGRAM_WEBHOOK_LISTEN": self.telegram_webhook_listen,
        }
        missing = [name for name, value in parts.items() if not value]
        if missing and len(missing) < len(parts):
            there = ", ".join(name for name in parts if name not in missing)
            raise ValueError(f"{there} is set without {' and '.join(missing)}; set all three, or none of them to poll")
        return self

    @property
    def leases_slots(self) -> bool:
        """Tell whether the processes agree among themselves which of Discord's connections each one holds."""
        ids, count = self.discord_shard_ids, self.discord_shard_count
        return self.bot_state.kind == "redis" and (ids == "auto" or (count == "auto" and ids is None))

    @property
    def http_is_default(self) -> bool:
        """Tell whether the address of the health server is the one that nobody chose."""
        return "bot_http" not in self.model_fields_set


def read_settings(environment: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """Return the settings; raises SettingsError for the first bad one.

    A variable set to nothing, or to blanks, counts as not set. `…_FILE` names a file that holds the secret.
    """
    environment = os.environ if environment is None else environment
    merged: dict[str, str] = {}
    if env_file and env_file.exists():
        merged.update(_env_file(env_file))
    # The blank or carriage return that a file of variables leaves behind a value belongs to none of them.
    merged.update({key: stripped for key, value in environment.items() if (stripped := value.strip())})
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = name.upper()
        if name not in _NOT_SET and variable in merged:
            values[name] = merged[variable]
    for variable in _SECRETS:
        if path := merged.get(f"{variable}_FILE"):
            if variable in merged:
                raise SettingsError(f"{variable} and {variable}_FILE are both set; keep one of them.")
            values[variable.lower()] = _secret(variable, path)
    values["misspelt"] = tuple(_misspelt(merged))
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


_SECRETS = ("DISCORD_TOKEN", "TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "BOT_STATE")
"""Variables that `…_FILE` may set as well."""

_NOT_SET = frozenset({"misspelt"})
"""Fields that are told from variables, and that no variable sets."""

_LARGEST_FILE = 64 * 1024
"""Bytes; no token and no file of settings comes near, and a device file would never end."""


def _env_file(path: Path) -> dict[str, str]:
    """Return what a file of settings sets; each line that cannot be read is told, never passed over."""
    try:
        text = _text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{path} cannot be read ({reason}); check its permissions and save it as UTF-8.") from None
    seen: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.line + (len(binding.original.string) - len(binding.original.string.lstrip("\n")))
        if binding.key in seen:
            # Whoever puts a new token in at the top would go on with the old one below it.
            raise SettingsError(
                f"{path}, line {line}, sets {binding.key} again after line {seen[binding.key]}; keep one of them."
            )
        if binding.key is not None:
            seen[binding.key] = line
        if binding.error or (binding.key is not None and binding.value is None):
            raise SettingsError(f"{path}, line {line}, cannot be read; write NAME=value, and a # before a remark.")
    return {key: value for key, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST_FILE).decode("utf-8-sig")


def _misspelt(merged: Mapping[str, str]) -> list[tuple[str, str]]:
    known = {name.upper() for name in Settings.model_fields} | {f"{name}_FILE" for name in _SECRETS}
    found = []
    for name in sorted(merged):
        if name not in known and re.match(r"(BOT|DISCORD|TELEGRAM)_", name, re.IGNORECASE):
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.85)
            found += [(name, near[0])] if near else []
    return found


def _secret(variable: str, path: str) -> str:
    try:
        text = _text(Path(path).expanduser()).strip()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        if not isinstance(error, OSError | UnicodeDecodeError):
            reason = "it is no path"
        raise SettingsError(
            f"{variable}_FILE names a file that cannot be read ({reason}); correct the path or its permissions."
        ) from None
    if not text:
        raise SettingsError(f"{variable}_FILE names an empty file; put the secret into it.")
    return text


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    fault = str(problem.get("ctx", {}).get("error", problem["msg"]))
    if not problem["loc"]:
        return f"{fault}."
    variable = str(problem["loc"][0]).upper()
    if problem["type"] == "literal_error":
        fault = f"it is not one of {problem['ctx']['expected']}; write one of them"
    elif problem["type"] == "string_too_long":
        fault = f"it is longer than {problem['ctx']['max_length']} characters; shorten it"
    return f"{variable} is set wrongly: {fault}."
