"""The base of all forms of the knowledge: nothing unknown, nothing converted, and texts that are safe to show."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

DEFAULT_REVIEW_EVERY = 120
"""Days after which a topic is due for a check where it does not say so itself."""

ID_PATTERN = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
"""Ids go into buttons and Telegram deep links, whose alphabet is A-Za-z0-9_-."""

FACT_PATTERN = r"^F-[A-Z]+-[A-Z0-9]+$"
DATE_PATTERN = r"^[0-9A-Za-z /,.–-]{4,40}$"

MAX_TOPIC_ID = 40
"""Leaves room for action and state in the 64 bytes of a Telegram button (platform conventions)."""

MAX_URL = 512
"""The longest address of a Discord link button; Telegram allows more."""


def web_address(url: str) -> str:
    """Return `url` if a person may be sent there: https, a host, no credentials, no spaces."""
    if not url.lower().startswith("https:"):
        raise ValueError("a link must begin with https://; copy the address from the browser")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("this is no web address; copy the address from the browser") from None
    if "@" in parts.netloc:
        raise ValueError("a link must not carry a user name or password; delete what stands before the @")
    if not re.fullmatch(r"[!-~]+", url) or re.search(r"[<>\"'`\\^{}|]", url):
        raise ValueError(
            "a link must be in the plain form that the browser shows, without spaces or quotes; copy it from there"
        )
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("a link needs the name of a site after https://; write it like https://www.example.org/page")
    if "xn--" in (parts.hostname or ""):
        raise ValueError(
            "the name of this site hides letters that only look like others; use an address in plain letters"
        )
    return url


_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])")
"""Names of sites; numbers in their place lead to machines that nobody can look up."""


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty; write it, or delete the whole entry")
    return text.strip()


def one_line(text: str) -> str:
    """Return a text that stands on one line, without white space at its ends; raises ValueError otherwise."""
    if "\n" in text.strip():
        raise ValueError("the text goes over several lines; write it on one")
    return _some_text(text)


def _day(text: str) -> str:
    """Return a date as it is known; one that looks exact has to be a day of the calendar."""
    if re.fullmatch(r"\d{4}-\d\d?(-\d\d?)?", text):
        try:
            datetime.date.fromisoformat(text if text.count("-") == 2 else f"{text}-01")
        except ValueError:
            raise ValueError(f"{text} is not in the calendar; write it as 2025-09-18, 2025-09 or 2025") from None
    return text


def _text_of_date(value: Any) -> Any:
    return (
        str(value)
        if isinstance(value, datetime.date) or (isinstance(value, int) and not isinstance(value, bool))
        else value
    )


Text = Annotated[str, AfterValidator(_some_text)]
Title = Annotated[str, StringConstraints(max_length=120), AfterValidator(one_line)]
Label = Annotated[str, StringConstraints(max_length=80), AfterValidator(one_line)]
Url = Annotated[str, StringConstraints(max_length=MAX_URL), AfterValidator(web_address)]
Slug = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=60)]
PartialDate = Annotated[
    str,
    BeforeValidator(_text_of_date),
    StringConstraints(pattern=DATE_PATTERN),
    AfterValidator(_day),
]
"""A day, month or year, as exactly as it is known (2025-09-18, 2025-09, 2025)."""
Day = Annotated[datetime.date, Field(ge=datetime.date(2000, 1, 1), le=datetime.date(2099, 12, 31))]
"""A day on which somebody looked; far ones are slips, and sums with them leave the calendar."""


class Form(BaseModel):
    """The base of all forms: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Link(Form):
    """A page that a person can open, with the label of its button."""

    label: Label
    url: Url
