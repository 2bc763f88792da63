"""Pack the whole state of a button into its id, and read it back after any restart.

`v1:<action>:<topic>:<n>`, ASCII, at most 64 bytes: Telegram's callback data is the narrower of the two
platforms. `<n>` is one number in base 62 with two characters of the hash of the list that the button
belongs to, so that a changed list is noticed.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.knowledge.model import Device

VERSION = "v1"
MAX_BYTES = 64
MAX_PACKED = 15
MAX_STEP = 63
MAX_MARKS = 2**24 - 1
MAX_BRANCH = 255

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CODE = re.compile(r"v1:([a-z]{1,4}):([a-z0-9-]{0,40}):([0-9A-Za-z]{0,15})", re.ASCII)
_DEVICES: tuple[Device | None, ...] = (None, Device.IOS, Device.ANDROID, Device.MOBILE_WEB, Device.DESKTOP)
_NO_CHECK = "00"
_LETTERS = " " + string.ascii_lowercase + string.digits


class Action(StrEnum):
    """What a button does; at most four letters, so that the longest topic id still fits."""

    SHOW = "show"
    SOURCES = "srcs"
    PLACE = "plac"
    SHARE = "shar"
    MENU = "menu"
    GROUP = "grp"
    START = "strt"
    HELP = "help"
    ABOUT = "abou"
    PRIVACY = "priv"
    GUIDE = "guid"
    CHECKUP = "chck"
    CHECKUP_GUIDE = "cgui"
    LETTER = "lttr"
    WRITE = "writ"
    HELPED = "yes"
    DIDNT = "no"
    EDITORS = "edit"
    SEND = "send"
    WITHDRAW = "took"
    ERASE = "dele"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a button knows.

    `topic` holds a topic id, for Action.GROUP a group's, for Action.LETTER a letter's. `step` is a step or page
    from 0, at most 63, `branch` what a flow shows instead of that step, at most 255 (0: the step itself).
    `marks` is free for flows, 24 bits. `check` are the two characters of the list's hash.
    """

    action: Action
    topic: str = ""
    device: Device | None = None
    place: str | None = None
    step: int = 0
    marks: int = 0
    check: str = ""
    branch: int = 0

    def encode(self) -> str:
        """Return the id of the button; raises ValueError for a state that does not fit."""
        code = f"{VERSION}:{self.action}:{self.topic}:{_pack(self)}"
        if not _CODE.fullmatch(code) or len(code) > MAX_BYTES:
            raise ValueError(f"the state of a button does not fit: {code!r}")
        return code

    def at(self, step: int) -> State:
        """Return the same state at another step or page."""
        return replace(self, step=max(0, min(step, MAX_STEP)))


COMMANDS: Mapping[str, State] = {
    "optout": State(Action.GUIDE),
    "checkup": State(Action.CHECKUP),
    "letter": State(Action.LETTER),
    "topics": State(Action.MENU),
    "help": State(Action.HELP),
    "about": State(Action.ABOUT),
    "privacy": State(Action.PRIVACY),
    "start": State(Action.START),
}
"""The commands that show one screen, or the first one of a flow, on every platform that has them."""


def decode(code: str) -> State | None:
    """Return the state of a button's id, or None where it is not one of ours (any more)."""
    match = _CODE.fullmatch(code)
    if not match or match[1] not in set(Action):
        return None
    return _unpack(Action(match[1]), match[2], match[3])


def check_of(texts: Iterable[str]) -> str:
    """Return two characters that change when a list of texts does."""
    digest = hashlib.sha256("\0".join(texts).encode()).digest()
    check = _DIGITS[digest[0] % 62] + _DIGITS[digest[1] % 62]
    return "01" if check == _NO_CHECK else check


def _pack(state: State) -> str:
    """Write branch, device, place, step and marks as one number in base 62, the check before it."""
    if not 0 <= state.step <= MAX_STEP or not 0 <= state.marks <= MAX_MARKS:
        raise ValueError(f"step {state.step} or marks {state.marks} is out of range")
    if not 0 <= state.branch <= MAX_BRANCH:
        raise ValueError(f"branch {state.branch} is out of range")
    number = state.branch * len(_DEVICES) + _DEVICES.index(state.device)
    number = number * 37**6 + _place_number(state.place)
    number = number * (MAX_STEP + 1) + state.step
    number = number * (MAX_MARKS + 1) + state.marks
    if not number and not state.check:
        return ""
    return (state.check or _NO_CHECK) + _base62(number)


def _unpack(action: Action, topic: str, packed: str) -> State | None:
    if len(packed) == 1:
        return None
    check, digits = packed[:2], packed[2:]
    number = 0
    for digit in digits:
        number = number * 62 + _DIGITS.index(digit)
    number, marks = divmod(number, MAX_MARKS + 1)
    number, step = divmod(number, MAX_STEP + 1)
    number, place = divmod(number, 37**6)
    branch, device = divmod(number, len(_DEVICES))
    if branch > MAX_BRANCH:
        return None
    known = "" if check == _NO_CHECK else check
    return State(action, topic, _DEVICES[device], _place_name(place), step, marks, known, branch)


def _place_number(place: str | None) -> int:
    """Number a place of the form `xx`, `xxx` or `xx-yyy`: three letters, then three of the subdivision."""
    if place is None:
        return 0
    country, _, part = place.partition("-")
    number = 0
    for letter in country.ljust(3) + part.ljust(3):
        number = number * 37 + _LETTERS.index(letter)
    return number


def _place_name(number: int) -> str | None:
    if not number:
        return None
    letters = ""
    for _ in range(6):
        number, digit = divmod(number, 37)
        letters = _LETTERS[digit] + letters
    country, part = letters[:3].strip(), letters[3:].strip()
    return f"{country}-{part}" if part else country


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
