"""Read what comes in: is it for us, what is asked, and who may see the answer?

Pure functions over the payloads of the gateway. What Discord leaves out or sends in a form that nobody
expects reads as absent, so that one odd message stops nothing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from bot.dialogue.state import Action, State, decode
from bot.platforms.discord.quotation import quoted_in
from bot.platforms.discord.render import EPHEMERAL

Raw = Mapping[str, Any]

_WRITTEN = frozenset({0, 19})
"""Types of messages that people write: a plain one, and a reply. All else is Discord's own."""

_WITHOUT_WORDS = ("attachments", "sticker_items", "stickers", "message_snapshots", "poll")
"""What a message may hold instead of words; embeds come from an address, which is text. A forwarded message
(a snapshot) has words of its own, or none."""

_TOKENS = re.compile(r"<(?:@[!&]?\d+|#\d+|a?:\w{1,40}:\d+|/[^<>]{1,100}:\d+|t:-?\d+(?::[A-Za-z])?|id:[\w-]+)>")
"""People, roles, channels, emoji and the like, as they stand in a message's text."""

_AROUND_MENTION = " \t\n,;:-–—"


class Kind(IntEnum):
    """What an interaction is."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    FORM = 5


class Target(IntEnum):
    """What a command is used on."""

    CHAT = 1
    MESSAGE = 3


_DIRECT = 1
"""The context of a conversation with the bot alone."""

_OTHER_IDS = frozenset({Action.GROUP, Action.LETTER, Action.WRITE})
"""Actions whose states name something else than a topic."""


@dataclass(frozen=True, slots=True)
class Call:
    """An interaction that has to be acknowledged once."""

    id: str
    token: str
    application: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in a message; of the message of ours that it answers, `codes` are the buttons."""

    channel: str
    message: str
    text: str
    conversation: Hashable
    codes: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class WithoutText:
    """A picture, file, sticker or the like, sent to us."""

    channel: str
    message: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command; `argument` is what was typed behind it. `direct` tells that nobody else could see it anyway."""

    call: Call
    name: str
    argument: str
    conversation: Hashable
    direct: bool


@dataclass(frozen=True, slots=True)
class Pointed:
    """A command used on somebody's message, whose words are `text`."""

    call: Call
    text: str
    conversation: Hashable
    direct: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has typed so far into a command."""

    call: Call
    text: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or a choice. `own` tells that the message was for whoever pressed, `hidden` that only they see it.

    `quoted` are their own words, as the message quotes them. `has_files` tells that files came with it.
    """

    call: Call
    code: str
    own: bool
    hidden: bool
    conversation: Hashable
    direct: bool
    quoted: str = ""
    has_files: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form that was filled in: what was written for the state that `code` names."""

    call: Call
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An interaction that this version does not know."""

    call: Call


Message = Asked | WithoutText
Interaction = Commanded | Pointed | Typed | Pressed | Submitted | Unknown


def read_message(raw: Raw, me: str) -> Message | None:
    """Return what a message asks of us (`me` is our user id), None where it is not for us."""
    author = _map(raw, "author")
    if author.get("bot") or author.get("system") or raw.get("webhook_id") or not _is_written(raw.get("type", 0)):
        return None
    channel, message, person = _text(raw, "channel_id"), _text(raw, "id"), _text(author, "id")
    # Our own user id decides: a mention of everyone or of our role is meant for others too.
    mentioned = any(_text(user, "id") == me for user in _maps(raw, "mentions"))
    private = not raw.get("guild_id")
    if person in {me, ""} or not (channel and message) or not (private or mentioned):
        return None
    content = _content(raw)
    rest = words(content)
    if re.search(rf"<@!?{re.escape(me)}>", content):
        rest = rest.strip(_AROUND_MENTION)
    if not rest and any(raw.get(name) for name in _WITHOUT_WORDS):
        return WithoutText(channel, message)
    answered = _map(raw, "referenced_message")
    ours = answered if _text(_map(answered, "author"), "id") == me else {}
    title = next((_text(embed, "title") for embed in _maps(ours, "embeds")), "")
    return Asked(channel, message, rest, ("discord", channel, person), tuple(_codes(ours)), title)


def call_of(raw: Raw) -> Call | None:
    """Return what an interaction is acknowledged with, None where it cannot be."""
    id, token = _text(raw, "id"), _text(raw, "token")
    return Call(id, token, _text(raw, "application_id") or "") if id and token else None


def read_interaction(raw: Raw, call: Call) -> Interaction:
    """Return what an interaction asks of us."""
    data = _map(raw, "data")
    person = _text(_map(_map(raw, "member"), "user") or _map(raw, "user"), "id")
    channel = _text(raw, "channel_id") or _text(_map(raw, "channel"), "id")
    conversation = ("discord", channel, person) if person else None
    context = raw.get("context")
    direct = context == _DIRECT or (context is None and not raw.get("guild_id"))
    match raw.get("type"):
        case Kind.AUTOCOMPLETE:
            return Typed(call, _typed(data))
        case Kind.COMMAND if data.get("type", Target.CHAT) == Target.MESSAGE:
            return Pointed(call, _pointed(data), conversation, direct)
        case Kind.COMMAND if data.get("type", Target.CHAT) == Target.CHAT:
            return Commanded(call, _text(data, "name"), _argument(data), conversation, direct)
        case Kind.COMPONENT:
            message = _map(raw, "message")
            flags = message.get("flags")
            hidden = isinstance(flags, int) and bool(flags & EPHEMERAL)
            own = hidden or direct or (bool(person) and _owner(message) == person)
            # Somebody else's words are theirs to hand on.
            quoted = _quoted(message) if own else ""
            has_files = any(_maps(message, "attachments"))
            return Pressed(call, _chosen(data), own, hidden, conversation, direct, quoted, has_files)
        case Kind.FORM:
            return Submitted(call, _text(data, "custom_id"), _sound(_written_in(data)).strip())
    return Unknown(call)


def words(content: str) -> str:
    """Return the words of a message, without people, channels and emoji that are named by number."""
    return _TOKENS.sub(" ", _sound(content)).strip()


def state_of(event: Asked, titles: Mapping[str, str]) -> State | None:
    """Return the state of the message of ours that a question answers, None where that cannot be told.

    Its title tells the topic (`titles`: topic by title as it is shown), and a button that leads back to the
    same topic the device and place. Without a known title, a button of its own pages, places or sources does.
    """
    states = [state for state in map(decode, event.codes) if state and state.topic and state.action not in _OTHER_IDS]
    backward = (Action.PLACE, Action.SOURCES, Action.SHARE)
    topic = titles.get(event.title)
    for state in states:
        if (state.action in backward or state.check) and topic in {None, state.topic}:
            return State(Action.SHOW, state.topic, state.device, state.place)
    if topic:
        place = next((state.place for state in states if state.topic == topic and state.place), None)
        return State(Action.SHOW, topic, None, place)
    return None


def _is_written(kind: Any) -> bool:
    return isinstance(kind, int) and kind in _WRITTEN


def _owner(message: Raw) -> str | None:
    """Return who a message of ours is for: who called for it, or whose message it replies to."""
    for known in ("interaction_metadata", "interaction"):
        if person := _text(_map(_map(message, known), "user"), "id"):
            return person
    return _text(_map(_map(message, "referenced_message"), "author"), "id") or None


def _sound(text: str) -> str:
    """Return text in which halves of characters are replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _typed(data: Raw) -> str:
    options = list(_maps(data, "options"))
    focused = next((option for option in options if option.get("focused")), options[0] if options else {})
    return _sound(str(focused.get("value") or ""))


def _argument(data: Raw) -> str:
    return next((words(str(option.get("value") or "")) for option in _maps(data, "options")), "")


def _pointed(data: Raw) -> str:
    messages = _map(_map(data, "resolved"), "messages")
    return words(_content(_map(messages, _text(data, "target_id"))))


def _content(message: Raw) -> str:
    """Return the text of a message, of a forwarded one that of the message which it shows."""
    shown = (_map(snapshot, "message") for snapshot in _maps(message, "message_snapshots"))
    return _text(message, "content") or next((text for one in shown if (text := _text(one, "content"))), "")


def _chosen(data: Raw) -> str:
    """Return the code of a button, or of what was chosen from a menu."""
    values = data.get("values")
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        return str(values[0])
    return _text(data, "custom_id")


def _quoted(message: Raw) -> str:
    return next((quoted_in(_text(embed, "description")) for embed in _maps(message, "embeds")), "")


def _written_in(data: Raw) -> str:
    """Return what stands in the first field of a form, whether it has a label around it or a row."""
    for outer in _maps(data, "components"):
        for field in (_map(outer, "component"), *_maps(outer, "components")):
            if written := _text(field, "value"):
                return written
    return ""


def _codes(message: Raw) -> Iterator[str]:
    for row in _maps(message, "components"):
        for component in _maps(row, "components"):
            if code := _text(component, "custom_id"):
                yield code
            for option in _maps(component, "options"):
                yield _text(option, "value")


def _text(raw: Raw, key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _map(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _maps(raw: Raw, key: str) -> Iterator[Raw]:
    value = raw.get(key)
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (item for item in value if isinstance(item, Mapping))
