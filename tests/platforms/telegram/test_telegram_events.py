from __future__ import annotations

from typing import Any

import pytest
from telegram import Update, User
from telegram_server import ADA, BEN, GROUP, ME, PRIVATE

from bot.dialogue.state import Action, State
from bot.knowledge.model import Device, Knowledge
from bot.platforms.telegram.events import (
    Asked,
    Commanded,
    Pressed,
    Typed,
    Where,
    WithoutText,
    deep_link,
    from_payload,
    lane,
    payload,
    read,
    state_of,
)

LONGEST = "x" * 40
"""As long as the ids of topics, controls and letters may be."""

US = User.de_json(ME, None)
OTHER_BOT = {"id": 99, "is_bot": True, "first_name": "Other", "username": "OtherBot"}
PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]


def message(chat: Any = PRIVATE, user: Any = ADA, **rest: Any) -> Any:
    body = {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": user, **rest}
    return read(Update.de_json({"update_id": 1, "message": body}, None), US)


def mention(text: str, name: str = "@GuideTestBot") -> dict[str, Any]:
    offset = len(text[: text.index(name)].encode("utf-16-le")) // 2
    return {"text": text, "entities": [{"type": "mention", "offset": offset, "length": len(name)}]}


ours = {"message_id": 4, "date": 1_700_000_000, "chat": GROUP, "from": ME, "text": "Hello\n\nyou"}


def test_a_private_text_is_a_question():
    """In a private chat everything that is written is a question; nothing is quoted in reply."""
    event = message(text="  are my dms read?  ")
    assert isinstance(event, Asked)
    assert event.text == "are my dms read?"
    assert event.where == Where(5550010010)


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/start", "start", ""),
        ("/start opt-out-phone", "start", "opt-out-phone"),
        ("/ASK are dms read?\nreally", "ask", "are dms read?\nreally"),
        ("/ask@GuideTestBot  x", "ask", "x"),
        ("/ask@guidetestbot x", "ask", "x"),
        ("/nonsense", "nonsense", ""),
    ],
)
def test_commands_are_read(text: str, name: str, argument: str):
    """A command has a name in lower case and what stands behind it; our own name may be written out."""
    event = message(text=text)
    assert isinstance(event, Commanded)
    assert (event.name, event.argument) == (name, argument)


@pytest.mark.parametrize("text", ["/path/to x", "/ hello", "what does /ask do", "/über"])
def test_what_only_looks_like_a_command_is_a_question(text: str):
    """A slash elsewhere makes no command."""
    assert isinstance(message(text=text), Asked)


@pytest.mark.parametrize("chat", [PRIVATE, GROUP])
def test_the_commands_of_other_bots_are_theirs(chat: Any):
    """/help@OtherBot is not for us, in whatever chat."""
    assert message(chat, text="/help@OtherBot") is None


@pytest.mark.parametrize(
    "text", ["hello everybody", "/nonsense", "hey @OtherBot what is this", "mail me at a@GuideTestBot.example"]
)
def test_groups_are_left_in_peace(text: str):
    """What a group says that is not addressed to us gets no answer."""
    assert message(GROUP, text=text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("@GuideTestBot are my dms read?", "are my dms read?"),
        ("@guidetestbot, are my dms read?", "are my dms read?"),
        ("💥 hey @GuideTestBot: are my dms read?", "💥 hey : are my dms read?"),
        ("are my dms read, @GuideTestBot", "are my dms read"),
        ("@GuideTestBot", ""),
    ],
)
def test_a_mention_is_taken_out(text: str, rest: str):
    """A mention at any place addresses us and is no part of the question; positions count UTF-16 units."""
    name = next(name for name in ("@GuideTestBot", "@guidetestbot") if name in text)
    event = message(GROUP, **mention(text, name))
    assert isinstance(event, Asked)
    assert event.text == rest
    assert event.where == Where(GROUP["id"], None, 5)


def test_a_mention_without_a_username_counts_as_well():
    """A text mention by our id addresses us."""
    entities = [{"type": "text_mention", "offset": 0, "length": 5, "user": ME}]
    event = message(GROUP, text="Guide are dms read", entities=entities)
    assert event.text == "are dms read"
    assert message(GROUP, text="Guide are dms read", entities=[{**entities[0], "user": ADA}]) is None


def test_a_command_behind_a_mention_is_a_command():
    """`@bot /topics` is understood."""
    event = message(GROUP, **mention("@GuideTestBot /topics"))
    assert isinstance(event, Commanded)


def test_commands_in_groups_are_answered_where_they_stand():
    """Known commands need no name; the reply quotes the message and stays in its topic, but for General."""
    topic = {"message_thread_id": 77, "is_topic_message": True}
    assert message(GROUP, text="/topics", **topic).where == Where(GROUP["id"], 77, 5)
    assert message(GROUP, text="/topics", message_thread_id=1, is_topic_message=True).where == Where(
        GROUP["id"], None, 5
    )
    assert message(GROUP, text="/topics", message_thread_id=77).where == Where(GROUP["id"], None, 5)
    assert isinstance(message(GROUP, text="/nonsense@GuideTestBot"), Commanded)


def test_a_reply_to_us_is_a_question():
    """Who replies to a message of ours asks us; who replies to others, or in a topic that we opened, does not."""
    event = message(GROUP, text="and on android?", reply_to_message=ours)
    assert isinstance(event, Asked)
    assert event.title == "Hello"
    assert message(GROUP, text="hm", reply_to_message={**ours, "from": BEN}) is None
    opened = {**ours, "forum_topic_created": {"name": "x", "icon_color": 1}}
    assert message(GROUP, text="hm", reply_to_message=opened) is None


def test_a_caption_is_read_like_a_text():
    """A picture with words is a question, in a group where the words address us."""
    assert message(photo=PHOTO, caption="are dms read").text == "are dms read"
    assert message(GROUP, photo=PHOTO, caption="are dms read") is None
    caption = mention("@GuideTestBot are dms read")
    event = message(GROUP, photo=PHOTO, caption=caption["text"], caption_entities=caption["entities"])
    assert event.text == "are dms read"


def test_media_without_words_are_answered_kindly_where_they_are_for_us():
    """A picture, voice message or sticker gets an answer in private, and in groups where it addresses us."""
    voice = {"file_id": "f", "file_unique_id": "u", "duration": 1}
    for media in (
        {"photo": PHOTO},
        {"voice": voice},
        {"rich_message": {"x": 1}},
        {"dice": {"emoji": "🎲", "value": 1}},
    ):
        assert isinstance(message(**media), WithoutText)
        assert message(GROUP, **media) is None
        assert isinstance(message(GROUP, reply_to_message=ours, **media), WithoutText)
    caption = mention("@GuideTestBot")
    event = message(GROUP, photo=PHOTO, caption=caption["text"], caption_entities=caption["entities"])
    assert isinstance(event, WithoutText)


@pytest.mark.parametrize(
    "service",
    [
        {"new_chat_members": [ADA]},
        {"left_chat_member": ADA},
        {"pinned_message": ours},
        {"new_chat_title": "x"},
        {"migrate_to_chat_id": -100},
        {"something_new": {"x": 1}},
    ],
)
def test_service_messages_are_silent(service: Any):
    """Joins, pins and the like are no questions."""
    assert message(GROUP, **service) is None
    assert message(**service) is None


def test_who_is_no_person_is_not_answered():
    """Other bots, forwarded posts of a channel and our own inline results get no answer; anonymous admins do."""
    assert message(user=OTHER_BOT, text="hi") is None
    assert message(GROUP, user=OTHER_BOT, text="x", reply_to_message=ours) is None
    channel = {"id": -100300, "type": "channel", "title": "c"}
    assert message(GROUP, text="/help", sender_chat=channel, is_automatic_forward=True) is None
    assert message(text="Are private messages used?", via_bot=ME) is None
    assert isinstance(message(text="hi", via_bot=OTHER_BOT), Asked)
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    assert isinstance(message(GROUP, user=anonymous, sender_chat=GROUP, text="/help"), Commanded)


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "edited_channel_post"])
def test_edited_messages_and_channel_posts_are_ignored(kind: str):
    """They are not asked for, and not answered where they come all the same."""
    body = {"message_id": 5, "date": 1, "chat": PRIVATE, "from": ADA, "text": "hi"}
    assert read(Update.de_json({"update_id": 1, kind: body}, None), US) is None


def test_halves_of_characters_are_replaced():
    """Broken Unicode in a message is no reason to fail."""
    assert message(text="are \ud83d dms read").text == "are \ufffd dms read"


def press(**rest: Any) -> Any:
    query = {"id": "q", "from": ADA, "chat_instance": "1", "data": "v1:menu::", **rest}
    return read(Update.de_json({"update_id": 1, "callback_query": query}, None), US)


def test_a_press_belongs_to_whoever_asked():
    """In private every button is the person's own, in groups those under the answer to their own message."""
    assert press(message={**ours, "chat": PRIVATE}).own
    asked = {"message_id": 3, "date": 1, "chat": GROUP, "text": "x"}
    assert press(message={**ours, "reply_to_message": {**asked, "from": ADA}}).own
    assert not press(message={**ours, "reply_to_message": {**asked, "from": BEN}}).own
    assert not press(message=ours).own
    assert press(message={**ours, "date": 0, "chat": PRIVATE}).own
    unseen = press(inline_message_id="x")
    assert isinstance(unseen, Pressed)
    assert unseen.where is None


def test_a_game_button_without_data_is_a_press_all_the_same():
    """A press always becomes an event, so that it is acknowledged."""
    assert press(message=ours, data=None, game_short_name="x").code == ""


def test_order_is_kept_by_chat():
    """Messages and presses of a chat share a lane; each who types in inline mode has one."""
    asked, pressed = message(GROUP, text="/help"), press(message=ours)
    assert lane(asked) == lane(pressed)
    typed = read(
        Update.de_json({"update_id": 1, "inline_query": {"id": "i", "from": ADA, "query": "x", "offset": ""}}, None), US
    )
    assert isinstance(typed, Typed)
    assert lane(typed) != lane(asked)


def test_a_conversation_is_one_person_in_one_topic():
    """The memory for follow-ups separates people, chats and topics."""
    topic = {"message_thread_id": 7, "is_topic_message": True}
    keys = {
        message(GROUP, ADA, text="/ask x").conversation,
        message(GROUP, BEN, text="/ask x").conversation,
        message(GROUP, ADA, text="/ask x", **topic).conversation,
        message(text="x").conversation,
    }
    assert len(keys) == 4
    pressed = press(message={**ours, "reply_to_message": {**ours, "from": ADA}})
    assert pressed.conversation == message(GROUP, ADA, text="/ask x").conversation


PROMPT = {**ours, "chat": PRIVATE, "text": "Objection\n\nWrite it.\n\nLetter: Objection · Place: France"}
KEYS = {"inline_keyboard": [[{"text": "x", "callback_data": "v1:menu::"}]]}


def test_an_answer_to_a_prompt_is_known_by_its_last_line():
    """Only a reply to a message of ours without buttons, where nobody else reads along, may answer a prompt."""
    event = message(text="my own words", reply_to_message=PROMPT)
    assert isinstance(event, Asked)
    assert (event.line, event.text, event.message) == ("Letter: Objection · Place: France", "my own words", 5)
    for other in (
        message(text="my own words"),
        message(text="my own words", reply_to_message={**PROMPT, "reply_markup": KEYS}),
        message(text="my own words", reply_to_message={**PROMPT, "from": BEN}),
        message(text="my own words", reply_to_message={**PROMPT, "from": OTHER_BOT}),
        message(GROUP, text="my own words", reply_to_message={**PROMPT, "chat": GROUP}),
        message(text="my own words", reply_to_message={**PROMPT, "text": None, "photo": PHOTO}),
    ):
        assert isinstance(other, Asked)
        assert other.line == ""


def test_a_picture_may_answer_a_prompt():
    """A picture in reply to a prompt tells which one; words below it are the words."""
    event = message(photo=PHOTO, reply_to_message=PROMPT)
    assert isinstance(event, WithoutText)
    assert event.line == "Letter: Objection · Place: France"
    event = message(photo=PHOTO, caption="my own words", reply_to_message=PROMPT)
    assert isinstance(event, Asked)
    assert event.line == "Letter: Objection · Place: France"


def test_a_command_leaves_a_prompt():
    """A command in reply to a prompt is a command."""
    assert isinstance(message(text="/help", reply_to_message=PROMPT), Commanded)


def test_a_press_knows_what_its_message_quotes():
    """The words of a quotation are read as they were shown, whatever stands before them, without what stops pings."""
    words = "is @\u2060ada 💥 read?"
    text = f"💥💥 Title\n\n{words}\n\nrest"
    entity = {"type": "blockquote", "offset": 12, "length": len(words.encode("utf-16-le")) // 2}
    event = press(message={**ours, "chat": PRIVATE, "text": text, "entities": [entity]})
    assert event.quoted == "is @ada 💥 read?"
    assert not event.keeps
    assert press(message={**ours, "chat": PRIVATE}).quoted == ""
    assert press(message={"message_id": 4, "date": 0, "chat": PRIVATE}).quoted == ""


def test_a_press_knows_a_letter_and_the_words_that_it_was_made_of():
    """A text to copy tells that the message must stay, and the message that it replies to is the person's own."""
    entity = {"type": "pre", "offset": 0, "length": 5}
    typed = {"message_id": 3, "date": 1, "chat": PRIVATE, "from": ADA, "text": "words"}
    event = press(message={**ours, "chat": PRIVATE, "entities": [entity], "reply_to_message": typed})
    assert event.keeps
    assert event.own
    assert event.answers == 3
    assert press(message={**ours, "chat": PRIVATE}).answers is None


@pytest.mark.parametrize(
    "state",
    [
        State(Action.SHOW, "opt-out-phone"),
        State(Action.SHOW, "opt-out-phone", Device.IOS, "us-ca"),
        State(Action.MENU),
        State(Action.GROUP, "which-data"),
        State(Action.HELP),
        State(Action.ABOUT),
        State(Action.PRIVACY),
        State(Action.START),
        State(Action.GUIDE),
        State(Action.GUIDE, "opt-out-phone"),
        State(Action.GUIDE, LONGEST, Device.DESKTOP, "us-ca", 63, 2**24 - 1, "zz", 255),
        State(Action.CHECKUP),
        State(Action.CHECKUP, "", Device.IOS, "de", 63, 2**24 - 1, "zz", 1),
        State(Action.CHECKUP_GUIDE, LONGEST, Device.DESKTOP, "us-ca", 63, 2**24 - 1, "zz", 255),
        State(Action.LETTER),
        State(Action.LETTER, "objection", None, "fr"),
        State(Action.LETTER, LONGEST, Device.DESKTOP, "us-ca", 63, 2**24 - 1, "zz", 255),
        State(Action.WRITE, LONGEST, Device.DESKTOP, "us-ca"),
    ],
    ids=str,
)
def test_deep_links_lead_where_their_button_leads(state: State, small: Knowledge):
    """The payload of a link is short, of Telegram's alphabet, and read back."""
    text = payload(state)
    assert len(text) <= 64
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert from_payload(text, small) == state


@pytest.mark.parametrize("action", [Action.EDITORS, Action.SEND, Action.WITHDRAW, Action.ERASE])
def test_a_receipt_is_in_no_link(action: Action, small: Knowledge):
    """What only the person may press who was given the button leads others to the menu, without a receipt."""
    text = payload(State(action, "k3v9receipt"))
    assert "receipt" not in text
    assert from_payload(text, small) == State(Action.MENU)


@pytest.mark.parametrize("action", [Action.HELPED, Action.DIDNT])
def test_somebody_elses_opinion_is_a_link_to_the_answer(action: Action, small: Knowledge):
    """Nobody counts as another person: what others press there opens the answer."""
    text = payload(State(action, "opt-out-phone", Device.IOS, "de"))
    assert from_payload(text, small) == State(Action.SHOW, "opt-out-phone", Device.IOS, "de")


@pytest.mark.parametrize("text", ["guid", "guid_!!", "chck_x_y_z", "lttr_objection_0", "writ_ümlaut"])
def test_a_broken_link_into_a_flow_begins_it(text: str, small: Knowledge):
    """What cannot be read of a link leads to where the flow begins."""
    assert from_payload(text, small) == State(Action(text[:4]))


@pytest.mark.parametrize(
    "text", ["", "no-such-topic", "menu_no-such-group", "show", "x" * 64, "ümlaut", "opt out", "__"]
)
def test_a_link_that_leads_nowhere_leads_to_the_start(text: str, small: Knowledge):
    """An outdated or invented payload shows the first screen, or the menu."""
    assert from_payload(text, small).action in {Action.START, Action.MENU}


def test_a_broken_place_in_a_link_still_shows_its_topic(small: Knowledge):
    """What follows the topic is left out where it cannot be read."""
    assert from_payload("opt-out-phone_!!", small) == State(Action.SHOW, "opt-out-phone")


def test_a_link_without_state_leads_to_the_menu():
    """Buttons that nobody knows any more lead to the menu."""
    assert deep_link("GuideTestBot", None) == "https://t.me/GuideTestBot?start=menu"


def asked(*states: State, title: str = "") -> Asked:
    return Asked(Where(1), "x", None, tuple(state.encode() for state in states), title)


def test_the_message_that_is_replied_to_is_known_by_its_buttons():
    """Topic, device and place are read from buttons that lead back to the message, else from its title."""
    titles = {"Turn it off": "opt-out-phone"}
    menu, related = State(Action.MENU), State(Action.SHOW, "private-messages", Device.IOS, "gb")
    back = State(Action.PLACE, "opt-out-phone", Device.IOS, "gb", 0, 1)
    known = State(Action.SHOW, "opt-out-phone", Device.IOS, "gb")
    assert state_of(asked(related, back, menu), titles) == known
    assert state_of(asked(related, menu, title="Turn it off"), titles) == known
    paged = State(Action.SHOW, "opt-out-phone", Device.IOS, "gb", 1, 0, "ab")
    assert state_of(asked(paged, related), titles) == known
    places = [State(Action.SHOW, "opt-out-phone", Device.IOS, place) for place in ("gb", "ch", None)]
    assert state_of(asked(*places, title="Where do you live?"), titles) == State(
        Action.SHOW, "opt-out-phone", Device.IOS
    )


def test_a_choice_of_topics_is_no_topic():
    """Where the buttons lead to several topics, or nowhere, nothing is taken for granted."""
    one, two = State(Action.SHOW, "opt-out-phone"), State(Action.SHOW, "private-messages")
    assert state_of(asked(one, two, State(Action.MENU), title="What did you mean?"), {}) is None
    assert state_of(asked(one, State(Action.MENU)), {}) is None
    assert state_of(asked(State(Action.GROUP, "which-data"), State(Action.MENU)), {}) is None
    assert state_of(asked(), {}) is None
