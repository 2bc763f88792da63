"""Name what goes through the dialogue: a Question or a press in, a Reply out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.dialogue.state import State
from bot.knowledge.markup import Block
from bot.knowledge.model import Device
from bot.matching.model import Band, Ranked


@dataclass(frozen=True, slots=True)
class Question:
    """What a person wrote, as a platform hands it over.

    `conversation` names the chat and person for ten minutes of memory (None: no memory). `replied` is the
    state of the message of ours that they answered. `private` tells that nobody else reads the reply.
    """

    text: str
    conversation: Hashable | None = None
    replied: State | None = None


class Kind(StrEnum):
    """What a reply is, for tests, counts and renderers that colour it."""

    ANSWER = "answer"
    CHOICES = "choices"
    NONE = "none"
    LANGUAGE = "language"
    COURTESY = "courtesy"
    SCREEN = "screen"
    MENU = "menu"
    FAULT = "fault"


class Part(StrEnum):
    """What a section of a reply holds; renderers set them apart."""

    NOTE = "note"
    ANSWER = "answer"
    STEPS = "steps"
    LIMITS = "limits"
    MORE = "more"
    SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under an optional heading."""

    part: Part
    blocks: tuple[Block, ...]
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A button that brings another reply: `code` is its encoded State."""

    label: str
    code: str


@dataclass(frozen=True, slots=True)
class LinkButton:
    """A button that opens a page."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to a person, ready to be drawn by any platform.

    `rows` are the buttons in groups that belong together. `state` reproduces this reply after a restart;
    only such a reply can be paged, and `state.step` is the page that is shown. `share` is the code of the
    button that shows the reply to everyone, where the platform has private replies.
    """

    kind: Kind
    title: str
    sections: tuple[Section, ...] = ()
    rows: tuple[tuple[Button | LinkButton, ...], ...] = ()
    footer: str = ""
    state: State | None = None
    share: str | None = None
    band: Band = Band.NONE
    topics: tuple[Ranked, ...] = ()
    offered: tuple[str, ...] = ()
    device: Device | None = None
    place: str | None = None
    language: str = "en"

    def page(self, step: int) -> str | None:
        """Return the code of the button that turns to page `step`, None where the reply has no pages."""
        return self.state.at(step).encode() if self.state else None

    def with_note(self, note: Section) -> Reply:
        """Return the reply with a note before everything else."""
        return replace(self, sections=(note, *self.sections))
