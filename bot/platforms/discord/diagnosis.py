"""Ask Discord how the application is set up there, and say what that means."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.knowledge.texts import Commands
from bot.platforms.diagnosis import WITHIN, Diagnosis, Level, clock, slow
from bot.platforms.discord.commands import definitions, overwrite
from bot.platforms.discord.rest import REFUSED

_ABOUT = "Discord"


# https://docs.discord.com/developers/resources/application#application-object-application-flags
_PRIVILEGED = {
    "presences": 1 << 12 | 1 << 13,
    "server members": 1 << 14 | 1 << 15,
    "message content": 1 << 18 | 1 << 19,
}

_SERVER, _PERSON = "0", "1"
"""Where an application may be installed (https://docs.discord.com/developers/resources/application#application-object-application-integration-types)."""


def _said(level: Level, text: str) -> Diagnosis:
    return Diagnosis(_ABOUT, level, text)


def settings_of(application: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    """Return what the developer portal's settings mean for people."""
    return (*_intents(application), *_installs(application), *_pages(application))


def endpoint_of(application: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    """Return that commands and buttons go elsewhere, where they do."""
    if not application.get("interactions_endpoint_url"):
        return ()
    return (
        _said(
            Level.WRONG,
            "The application has an interactions endpoint URL, so commands and buttons go there and people here see “did "
            "not respond”; remove it in the developer portal (page General Information).",
        ),
    )


def sessions_of(told: Mapping[str, Any], held: int | None) -> tuple[Diagnosis, ...]:
    """Return what Discord's numbers for connections mean; `held` are ours in all, None where Discord is asked."""
    limit = told.get("session_start_limit")
    shards, left = told.get("shards"), limit.get("remaining") if isinstance(limit, Mapping) else None
    if not isinstance(shards, int) or not isinstance(left, int):
        return ()
    needed = held or shards
    found = []
    if left < needed:
        found.append(
            _said(
                Level.WRONG,
                f"Discord allows {left} new connections today and the bot needs {needed}, so it would wait; something "
                "has started it again and again: look into its log.",
            )
        )
    else:
        found.append(_said(Level.FINE, f"Discord allows {left} more new connections today; the bot needs {needed}."))
    if held and held < shards:
        found.append(
            _said(
                Level.HINT,
                f"Discord recommends {shards} connections, and {held} are set; set DISCORD_SHARD_COUNT to {shards} or auto.",
            )
        )
    return tuple(found)


async def diagnose(
    *,
    token: str,
    base_url: str,
    texts: Commands,
    shards: int | None,
    now: Callable[[], datetime.datetime],
    within: float = WITHIN,
) -> tuple[Diagnosis, ...]:
    """Return everything that Discord tells about our application; raises nothing."""
    found: list[Diagnosis] = []
    headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (privacy-bot doctor, 1)"}
    try:
        async with asyncio.timeout(within), aiohttp.ClientSession(headers=headers) as session:
            status, application, date = await _fetched(session, f"{base_url}/applications/@me")
            compared = clock(_ABOUT, date, now())
            if status == HTTPStatus.UNAUTHORIZED:
                return (_said(Level.WRONG, REFUSED),)
            if not isinstance(application, Mapping) or "id" not in application:
                return (_untold(Level.WRONG, "about the application", "so nothing else is asked", status, application),)
            found += (_said(Level.FINE, "The token is good."), *settings_of(application), *endpoint_of(application))
            status, told, _ = await _fetched(session, f"{base_url}/gateway/bot")
            found += (sessions_of(told, shards) if isinstance(told, Mapping) else ()) or (
                _untold(
                    Level.WRONG,
                    "how many new connections it allows today",
                    "so the bot, which asks for this before it connects, may answer nobody there",
                    status,
                    told,
                ),
            )
            status, held, _ = await _fetched(session, f"{base_url}/applications/{application['id']}/commands")
            if isinstance(held, list):
                same = overwrite(held, definitions(texts)) is None
                found.append(
                    _said(Level.FINE, "The commands are those of this version.")
                    if same
                    else _said(
                        Level.HINT,
                        "Discord shows other commands than this version has; the bot writes them when it starts.",
                    )
                )
            else:
                found.append(
                    _untold(
                        Level.HINT,
                        "which commands it shows",
                        "so they cannot be compared with those of this version",
                        status,
                        held,
                    )
                )
    except TimeoutError:
        return (*found, slow(_ABOUT, within, "DISCORD_API_BASE_URL"))
    except (aiohttp.ClientError, OSError):
        return (
            *found,
            _said(
                Level.WRONG,
                "Discord cannot be reached, so nobody there is answered; look at the network, a proxy, and "
                "DISCORD_API_BASE_URL.",
            ),
        )
    return (*found, compared) if compared else tuple(found)


def _untold(level: Level, what: str, meaning: str, status: int, told: Any) -> Diagnosis:
    # Discord itself answers in JSON, even where it refuses.
    page = "" if told is not None else ", a page in place of an answer"
    return _said(
        level,
        f"Discord does not tell {what} (status {status}{page}), {meaning}; run this again later, and if it stays so, "
        "look at a proxy and DISCORD_API_BASE_URL.",
    )


async def _fetched(session: aiohttp.ClientSession, url: str) -> tuple[int, Any, str | None]:
    """Return status, what was told, and the Date header of an answer."""
    async with session.get(url) as response:
        try:
            told = await response.json(content_type=None)
        except ValueError:
            told = None
        return response.status, told, response.headers.get("Date")


def _intents(application: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    flags = application.get("flags")
    if not isinstance(flags, int):
        # Left out where the application is asked for in another way.
        return ()
    on = [name for name, bits in _PRIVILEGED.items() if flags & bits]
    if on:
        return (
            _said(
                Level.HINT,
                f"Privileged intents are switched on ({', '.join(on)}), which this bot neither needs nor asks for; switch "
                "them off in the developer portal (page Bot), so that nobody has to trust it with them.",
            ),
        )
    return (_said(Level.FINE, "No privileged intent is switched on, and none is needed."),)


def _installs(application: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    found = []
    if application.get("bot_public") is False:
        found.append(
            _said(
                Level.HINT,
                "The bot is not public, so only its owner can add it; switch on Public Bot in the developer portal "
                "(page Bot) if others shall.",
            )
        )
    kinds = application.get("integration_types_config")
    if not isinstance(kinds, Mapping):
        return tuple(found)
    for kind, who, what in ((_SERVER, "servers", "Guild Install"), (_PERSON, "people", "User Install")):
        if kind not in kinds:
            found.append(
                _said(
                    Level.HINT,
                    f"The application cannot be installed by {who}, so its commands are missing there; add {what} in the "
                    "developer portal (page Installation).",
                )
            )
            continue
        config = kinds[kind] if isinstance(kinds[kind], Mapping) else {}
        params = config.get("oauth2_install_params")
        scopes = params.get("scopes") if isinstance(params, Mapping) else None
        if isinstance(scopes, list) and "applications.commands" not in scopes:
            found.append(
                _said(
                    Level.WRONG,
                    f"The install link for {who} lacks the scope applications.commands, so they get a bot without "
                    f"commands; add it under {what} in the developer portal (page Installation).",
                )
            )
    if not found:
        found.append(_said(Level.FINE, "Servers and people can install the application, with its commands."))
    return tuple(found)


def _pages(application: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    found = []
    if not application.get("privacy_policy_url"):
        found.append(
            _said(
                Level.WRONG,
                "The application names no privacy policy, which Discord's Developer Terms ask for; fill in Privacy Policy URL "
                "in the developer portal (page General Information).",
            )
        )
    if not application.get("terms_of_service_url"):
        found.append(
            _said(
                Level.HINT,
                "The application names no terms of service; fill in Terms of Service URL in the developer portal "
                "(page General Information).",
            )
        )
    return tuple(found) or (_said(Level.FINE, "Privacy policy and terms of service are named."),)
