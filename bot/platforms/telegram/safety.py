"""Keep what is shown from pinging, steering or breaking anything."""

from __future__ import annotations

import re

from bot.platforms.telegram.limits import URL
from bot.platforms.wording import address_within

# An @ that begins a name would notify that person; after a letter or digit it belongs to an e-mail address.
_PING = re.compile(r"(?<![A-Za-z0-9_])@(?=\w|$)")
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
"""Control characters, halves of characters, and those that turn the direction of what follows; isolates and
marks, which right-to-left text needs, stay."""


def safe(text: str) -> str:
    """Return text without characters that Telegram refuses or that steer others, and in which no @ pings anyone."""
    text = _UNSEEN.sub(lambda match: " " if match[0] == "\t" else "", text)
    return _PING.sub("@\u2060", text) if "@" in text else text


def safe_url(url: str | None) -> str | None:
    """Return an address that Telegram takes, None where it is not one."""
    return address_within(url, URL)
