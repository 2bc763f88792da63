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
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under an optional heading.

    A Part.LETTER is a text to copy: paragraphs of one plain span each, whose line breaks stay, drawn so that
    the platform offers to copy it and reads no markup in it.
    """

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
class CopyButton:
    """A button that copies `text` (at most 256 characters), left out where a platform has none."""

    label: str
    text: str


Key = Button | LinkButton | CopyButton


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with a reply: an ASCII name, its bytes, and what they are."""

    name: str
    content: bytes
    media: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Ask a person for words of their own, which live for one reply.

    `code` is the encoded State (Action.WRITE) that the words are for. A platform with forms shows `button`, and
    behind it a form with `title`, the field `label` and its `hint`; the others take a reply to a message
    that ends in `line`, by which `Dialogue.prompted` knows what it was for. `most` characters are taken.
    """

    code: str
    button: str
    title: str
    label: str
    hint: str
    line: str
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to a person, ready to be drawn by any platform.

    `rows` are the buttons in groups that belong together. `state` reproduces this reply after a restart;
    only such a reply can be paged, and `state.step` is the page that is shown. `share` is the code of the
    button that shows the reply to everyone, where the platform has private replies.

    `quote` are the person's own words as the reply shows them, where a later press may need them. `files` go
    with the message. `prompt` asks for words. `private` tells that nobody else should see the reply. `erase` is
    the code of the button that deletes what the person typed, where the platform can.
    """

    kind: Kind
    title: str
    sections: tuple[Section, ...] = ()
    rows: tuple[tuple[Key, ...], ...] = ()
    footer: str = ""
    state: State | None = None
    share: str | None = None
    band: Band = Band.NONE
    topics: tuple[Ranked, ...] = ()
    offered: tuple[str, ...] = ()
    device: Device | None = None
    place: str | None = None
    language: str = "en"
    quote: str = ""
    files: tuple[File, ...] = ()
    prompt: Prompt | None = None
    private: bool = False
    erase: str | None = None

    def page(self, step: int) -> str | None:
        """Return the code of the button that turns to page `step`, None where the reply has no pages."""
        return self.state.at(step).encode() if self.state else None

    def with_note(self, note: Section) -> Reply:
        """Return the reply with a note before everything else."""
        return replace(self, sections=(note, *self.sections))
