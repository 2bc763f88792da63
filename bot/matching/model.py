"""What goes into the matcher and what comes out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.matching.encoder import SHA256, SUMS_SHA256

ENGINE_VERSION = "9"
"""Part of every digest: heads that an older engine fitted are refused."""


class Band(StrEnum):
    """How sure the matcher is."""

    SURE = "sure"
    NEAR = "near"
    CHOICES = "choices"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A topic and the calibrated chance, 0 to 1, that it is right."""

    topic: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """The decision about one message."""

    band: Band
    topics: tuple[Ranked, ...] = ()
    offered: tuple[str, ...] = ()
    language: str = "und"


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a piece of one, and how much it spoke for a topic."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class NearestAsk:
    """A phrasing that is learned from, and its likeness to the message."""

    topic: str
    text: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits between the bands, found by cross-validation."""

    answer: float
    sure: float
    offer: float


@dataclass(frozen=True, slots=True)
class Part:
    """What the engine thought of one part of the message."""

    text: str
    gate: float
    ranked: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a message was decided as it was, for editors."""

    match: Match
    read_as: str
    repaired: tuple[tuple[str, str], ...]
    gate: float
    ranked: tuple[Ranked, ...]
    second: Ranked | None
    words: tuple[Word, ...]
    nearest: tuple[NearestAsk, ...]
    parts: tuple[Part, ...]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Training:
    """All that the matcher learns from."""

    topics: Mapping[str, tuple[str, ...]]
    offtopic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def digest(self) -> str:
        """Return a hash of the content, the engine's version and the encoder."""
        state = hashlib.sha256()

        def add(*parts: str) -> None:
            for part in parts:
                raw = part.encode("utf-8", "surrogatepass")
                state.update(len(raw).to_bytes(4, "big"))
                state.update(raw)

        add("engine", ENGINE_VERSION, SHA256, SUMS_SHA256)
        for name, table in (
            ("topics", self.topics),
            ("offtopic", self.offtopic),
            ("related", self.related),
        ):
            add(name)
            for key in sorted(table):
                add("key", key, *table[key])
        return state.hexdigest()


class Matcher(Protocol):
    """Anything that turns a person's words into topics."""

    def match(self, text: str, *, after: str | None = None, apart: bool = False) -> Match:
        """Decide a message; `after` is the last topic of the conversation, and `apart` whether it is from all others."""
        ...

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        """Tell why a message is decided as it is."""
        ...
