"""Tell who sent something, and where others see the answer: for limits, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def person(raw: Mapping[str, Any]) -> str | None:
    """Return the id of whoever sent a message or an interaction, None where Discord does not say."""
    member = raw.get("member")
    inside = member.get("user") if isinstance(member, Mapping) else None
    for user in (raw.get("author"), inside, raw.get("user")):
        if isinstance(user, Mapping) and isinstance(user.get("id"), str) and user["id"]:
            return str(user["id"])
    return None


def room(raw: Mapping[str, Any]) -> str | None:
    """Return the channel of a server in which a message stands, None where nobody else reads it."""
    channel = raw.get("channel_id")
    return channel if raw.get("guild_id") and isinstance(channel, str) else None
