"""Measure and trim what is shown; the same on every platform that counts in UTF-16 units."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units: what Telegram counts, and never less than what Discord does."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` UTF-16 units, ending in … where it was cut."""
    if units(text) <= most:
        return text
    room = most - 1
    kept: list[str] = []
    for character in text:
        room -= units(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def one_line(text: str) -> str:
    """Return text on one line, without white space at its ends."""
    return " ".join(text.split())


def address_within(url: str | None, most: int) -> str | None:
    """Return an address of at most `most` characters that a platform takes, None where it is not one."""
    if url is None or len(url) > most or not url.startswith("https://") or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or not _HOST.fullmatch(host) or "@" in parts.netloc or re.search(r"[\"<>\\^`{|}]", url):
        return None
    return url
