"""Read what comes in: is it for us, what is asked, and where does the answer belong?"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from telegram import CallbackQuery, Message, MessageEntity, Update, User
from telegram.constants import ChatType, MessageEntityType

from bot.dialogue.state import VERSION, Action, State, decode
from bot.knowledge.model import Knowledge

UPDATES = ("message", "callback_query", "inline_query")
"""Everything that we handle; edited messages and channel posts are not even asked for."""

GENERAL_TOPIC = 1
"""The thread of a forum's General topic; Telegram refuses it where a thread is named."""

_GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})
UNREADABLE = "unreadable"
"""Stands in a message for what the library cannot read of it."""

MEDIA = (
    UNREADABLE, "animation", "audio", "checklist", "contact", "dice", "document", "game", "live_photo", "location", "paid_media",
    "photo", "poll", "rich_message", "sticker", "story", "venue", "video", "video_note", "voice",
)  # fmt: skip
"""What a person can send that holds no text; all else without text is a service message."""

_SCREENS = {action.name.lower(): action for action in (Action.MENU, Action.HELP, Action.ABOUT, Action.PRIVACY)}
_RECEIPTS = frozenset({Action.EDITORS, Action.SEND, Action.WITHDRAW, Action.ERASE})
"""What only the person who was given the button may press; a receipt is in nobody else's link."""

_WHOLE = frozenset({Action.GUIDE, Action.CHECKUP, Action.CHECKUP_GUIDE, Action.LETTER, Action.WRITE})
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]+))?(?:\s+(.*))?", re.DOTALL)
_AROUND_MENTION = " \t\n,;:-–—"


@dataclass(frozen=True, slots=True)
class Where:
    """Where an answer goes: a chat, the topic of a forum in it, and the message that it answers."""

    chat: int
    thread: int | None = None
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; of the message of ours that it answers, `codes` are the buttons and `title` the first line.

    `line` is the last line of that message where it has no buttons and nobody else reads along: it may ask for
    words. `message` is the question's own id. `album` is set where the words stand under a part of an album.
    """

    where: Where
    text: str
    conversation: Hashable
    codes: tuple[str, ...] = ()
    title: str = ""
    album: str | None = None
    line: str = ""
    message: int = 0


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command in lower case, and what stands behind it."""

    where: Where
    name: str
    argument: str
    conversation: Hashable
    album: str | None = None


@dataclass(frozen=True, slots=True)
class WithoutText:
    """A picture, file, voice message or the like; the parts of one album share `album`, `line` is as in a question."""

    where: Where
    album: str | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button. `message` is the message under which it stands, `own` tells that it was for whoever pressed.

    `where` is None for a message in a chat that we do not see (a result of inline mode). `quoted` are the words
    that the message quotes, `answers` is the message that it replies to, and `keeps` tells that it holds a text to
    copy, which nobody could make again.
    """

    id: str
    code: str
    where: Where | None
    message: int
    own: bool
    conversation: Hashable
    quoted: str = ""
    answers: int | None = None
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody types after our name in any chat (inline mode)."""

    id: str
    text: str
    user: int


Event = Asked | Commanded | WithoutText | Pressed | Typed


def read(update: Update, me: User) -> Event | None:
    """Return what an update asks of us, None where it is not for us."""
    if update.callback_query:
        return _pressed(update.callback_query)
    if update.inline_query:
        return Typed(update.inline_query.id, _sound(update.inline_query.query), update.inline_query.from_user.id)
    return _message(update.message, me) if update.message else None


def lane(event: Event) -> Hashable:
    """Return what keeps its order: a chat, or whoever types in inline mode."""
    if isinstance(event, Typed):
        return ("inline", event.user)
    if event.where is None:
        return ("unseen", event.id)
    return ("chat", event.where.chat)


def deep_link(username: str, state: State | None) -> str:
    """Return the address that opens our private chat where `state` leads, without what the link cannot hold."""
    return f"https://t.me/{username}?start={payload(state or State(Action.MENU))}"


def payload(state: State) -> str:
    """Write a state as the payload of a deep link: a topic's id, with device and place where they are set.

    What leads through several screens goes whole: its action, what it is about, and the packed rest.
    """
    if state.action is Action.GROUP:
        return f"{Action.MENU}_{state.topic}"
    if state.action in _WHOLE:
        return state.encode().removeprefix(f"{VERSION}:").replace(":", "_")
    if state.action in _RECEIPTS:
        return Action.MENU.name.lower()
    if not state.topic or state.action is Action.MENU:
        return state.action.name.lower()
    packed = State(Action.SHOW, state.topic, state.device, state.place).encode().rpartition(":")[2]
    return f"{state.topic}_{packed}" if packed else state.topic


def from_payload(text: str, knowledge: Knowledge) -> State:
    """Return where the payload of a deep link leads: to the start where it leads nowhere any more."""
    head, _, tail = text.strip().partition("_")
    if head in _WHOLE:
        state = decode(f"{VERSION}:{text.strip().replace('_', ':')}")
        return state or State(Action(head))
    if head in knowledge.topics:
        return decode(f"{VERSION}:{Action.SHOW}:{head}:{tail}") or State(Action.SHOW, head)
    if head == Action.MENU and tail in {group.id for group in knowledge.groups}:
        return State(Action.GROUP, tail)
    return State(_SCREENS.get(head, Action.START))


def state_of(event: Asked, titles: Mapping[str, str]) -> State | None:
    """Return the state of the message of ours that a question answers, None where that cannot be told.

    Its buttons tell it where one leads back to it: to its places, sources or pages, or to itself for another
    device. Failing that, its title does (`titles`: topic by title), or that all its buttons are about one topic.
    """
    states = [state for state in map(decode, event.codes) if state and state.topic and state.action is not Action.GROUP]
    for state in states:
        if state.action in {Action.PLACE, Action.SOURCES} or state.check:
            return State(Action.SHOW, state.topic, state.device, state.place)
    place = next((state.place for state in states if state.place), None)
    if topic := titles.get(event.title):
        device = next((state.device for state in states if state.topic != topic), None)
        return State(Action.SHOW, topic, device, place)
    if len(states) > 1 and len({state.topic for state in states}) == 1:
        return State(Action.SHOW, states[0].topic, states[0].device)
    return None


def _message(message: Message, me: User) -> Event | None:
    kind = message.chat.type
    if kind != ChatType.PRIVATE and kind not in _GROUPS:
        return None
    if _not_a_person(message) or (message.via_bot and message.via_bot.id == me.id):
        return None
    private = kind == ChatType.PRIVATE
    has_media = any(getattr(message, name, None) or name in message.api_kwargs for name in MEDIA)
    text = message.text if message.text is not None else message.caption
    if text is None and not has_media:
        return None
    answered = _answered(message, me)
    where, album = _where(message, message.message_id if not private else None), message.media_group_id
    rest, mentioned = _without_mention(
        text or "", message.entities if message.text is not None else message.caption_entities, me
    )
    command = _COMMAND.fullmatch(rest)
    if command and (command[2] is None or command[2].lower() == (me.username or "").lower()):
        # A bare command in a group may be another bot's; those that we know are answered all the same.
        addressed = private or mentioned or answered is not None or command[2] is not None
        if addressed or command[1].lower() in COMMANDS:
            return Commanded(where, command[1].lower(), (command[3] or "").strip(), _conversation(message), album)
        return None
    if command or not (private or mentioned or answered is not None):
        return None
    line = _last_line(answered) if private else ""
    if has_media and not rest:
        return WithoutText(where, album, line)
    conversation, codes = _conversation(message), _codes(answered)
    return Asked(where, rest, conversation, codes, _title(answered), album, line, message.message_id)


COMMANDS = frozenset({"start", "ask", "optout", "checkup", "letter", "topics", "help", "about", "privacy"})
"""The commands that we know."""


def _not_a_person(message: Message) -> bool:
    """Tell other bots and forwarded channel posts from people; anonymous administrators are people."""
    if message.is_automatic_forward or message.from_user is None:
        return message.is_automatic_forward or message.sender_chat is None
    return message.from_user.is_bot and message.sender_chat is None


def _answered(message: Message, me: User) -> Message | None:
    """Return the message of ours that `message` replies to."""
    replied = message.reply_to_message
    # In a forum every message "replies" to the one that opened its topic.
    if replied is None or replied.forum_topic_created or replied.from_user is None:
        return None
    return replied if replied.from_user.id == me.id else None


def _codes(message: Message | None) -> tuple[str, ...]:
    if message is None or message.reply_markup is None:
        return ()
    buttons = (button for row in message.reply_markup.inline_keyboard for button in row)
    return tuple(button.callback_data for button in buttons if isinstance(button.callback_data, str))


def _title(message: Message | None) -> str:
    return message.text.partition("\n")[0] if message and message.text else ""


def _last_line(message: Message | None) -> str:
    """Return the last line of a message that has no buttons."""
    if message is None or not message.text or message.reply_markup:
        return ""
    return message.text.rstrip().rpartition("\n")[2]


def _where(message: Message, reply_to: int | None) -> Where:
    thread = message.message_thread_id if message.is_topic_message else None
    return Where(message.chat.id, None if thread == GENERAL_TOPIC else thread, reply_to)


def _conversation(message: Message) -> Hashable:
    person = message.sender_chat or message.from_user
    return ("telegram", message.chat.id, _where(message, None).thread, person.id if person else None)


def _without_mention(text: str, entities: Iterable[MessageEntity], me: User) -> tuple[str, bool]:
    """Return a text without the mentions of us, and whether there were any."""
    name = f"@{me.username}".lower()
    # Entities count UTF-16 units.
    raw = text.encode("utf-16-le", "surrogatepass")
    ours: list[tuple[int, int]] = []
    for entity in entities:
        start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
        named = entity.type == MessageEntityType.MENTION and _decoded(raw[start:end]).lower() == name
        if named or (entity.type == MessageEntityType.TEXT_MENTION and entity.user and entity.user.id == me.id):
            ours.append((start, end))
    if not ours:
        return _decoded(raw).strip(), False
    for start, end in sorted(ours, reverse=True):
        raw = raw[:start] + " ".encode("utf-16-le") + raw[end:]
    return re.sub(r"[ \t]{2,}", " ", _decoded(raw)).strip(_AROUND_MENTION), True


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace")


def _sound(text: str) -> str:
    """Return text in which halves of characters are replaced."""
    return _decoded(text.encode("utf-16-le", "surrogatepass"))


def _pressed(query: CallbackQuery) -> Pressed:
    message = query.message
    code = query.data or ""
    if message is None:
        return Pressed(query.id, code, None, 0, own=False, conversation=None)
    private = message.chat.type == ChatType.PRIVATE
    whole = message if isinstance(message, Message) else None
    thread = _where(whole, None).thread if whole else None
    asked = whole.reply_to_message if whole else None
    own = private or bool(asked and asked.from_user and asked.from_user.id == query.from_user.id)
    return Pressed(
        query.id,
        code,
        Where(message.chat.id, thread),
        message.message_id,
        own=own,
        conversation=("telegram", message.chat.id, thread, query.from_user.id),
        quoted=_entity(whole, MessageEntityType.BLOCKQUOTE),
        answers=asked.message_id if asked else None,
        keeps=bool(_entity(whole, MessageEntityType.PRE)),
    )


def _entity(message: Message | None, kind: MessageEntityType) -> str:
    """Return the first part of a message that is set apart in some way, without what keeps it from pinging."""
    for entity in message.entities if message and message.text else ():
        if entity.type == kind:
            assert message
            return _sound(message.parse_entity(entity)).replace("@\u2060", "@")
    return ""
