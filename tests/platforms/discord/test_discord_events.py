from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.dialogue.state import Action, State
from bot.knowledge.model import Device
from bot.platforms.discord.events import (
    Asked,
    Call,
    Commanded,
    Pointed,
    Pressed,
    Submitted,
    Typed,
    Unknown,
    WithoutText,
    call_of,
    read_interaction,
    read_message,
    state_of,
    words,
)

ME = "42"
ADA = {"id": "7", "username": "ada"}
CALL = Call("1", "t")


def message(content: str = "hello", **changes: Any) -> dict[str, Any]:
    return {"id": "1", "channel_id": "2", "type": 0, "author": ADA, "content": content, "mentions": [], **changes}


def interaction(type: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "token": "t",
        "type": type,
        "channel_id": "2",
        "guild_id": "3",
        "member": {"user": ADA},
        **changes,
    }


def asked(raw: dict[str, Any]) -> str | None:
    event = read_message(raw, ME)
    return event.text if isinstance(event, Asked) else None


def test_direct_messages_are_questions():
    """Every direct message of a person is for us."""
    assert read_message(message("are my dms read?"), ME) == Asked("2", "1", "are my dms read?", ("discord", "2", "7"))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<@42> are my dms read?", "are my dms read?"),
        ("<@!42>: are my dms read?", "are my dms read?"),
        ("are my dms read, <@42>?", "are my dms read,  ?"),
        ("are <@42> my dms read", "are   my dms read"),
        ("<@42>", ""),
        ("<@42> <@42> , ", ""),
        ("hi <@9> <:smile:123> <#5>", "hi"),
    ],
)
def test_mentions_are_questions(content: str, text: str):
    """A mention of our user is for us, wherever it stands; it and what else is named by number are left out."""
    assert asked(message(content, guild_id="3", mentions=[{"id": ME}])) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"guild_id": "3"},
        {"guild_id": "3", "mention_everyone": True},
        {"guild_id": "3", "mention_roles": ["42"]},
        {"guild_id": "3", "mentions": [{"id": "9"}]},
        {"guild_id": "3", "referenced_message": {"author": {"id": ME}}},
        {"author": {"id": ME}},
        {"author": {"id": "9", "bot": True}},
        {"author": {"id": "9", "system": True}},
        {"webhook_id": "9"},
        {"type": 7},
        {"type": 20},
        {"channel_id": None},
    ],
)
def test_what_is_not_for_us(changes: dict[str, Any]):
    """Talk of others, of everyone, of bots, hooks and Discord itself is not for us."""
    assert read_message(message("are my dms read?", **changes), ME) is None


@pytest.mark.parametrize("holds", ["attachments", "sticker_items", "message_snapshots", "poll"])
def test_messages_without_words(holds: str):
    """A picture, sticker, forwarded message or poll without words is told from an empty question."""
    assert read_message(message("", **{holds: [{"id": "1"}]}), ME) == WithoutText("2", "1")
    assert asked(message("look", **{holds: [{"id": "1"}]})) == "look"
    assert asked(message("")) == ""
    named = message("<@42>", guild_id="3", mentions=[{"id": ME}], **{holds: [{"id": "1"}]})
    assert read_message(named, ME) == WithoutText("2", "1")


def test_a_forwarded_message_is_asked_with_its_words():
    """What somebody forwards is their question; only a forwarded picture holds no words."""
    forwarded = {"message_snapshots": [{"message": {"content": "are my <@5> dms read?"}}]}
    assert asked(message("", **forwarded)) == "are my   dms read?"
    assert asked(message("own words", **forwarded)) == "own words"
    assert read_message(message("", message_snapshots=[{"message": {"content": ""}}, 5]), ME) == WithoutText("2", "1")


def test_a_message_of_nobody_is_not_for_us():
    """Without an author there is nobody to answer."""
    assert read_message(message(author=None), ME) is None


def test_a_reply_knows_what_it_answers():
    """Of a message of ours its codes and title are read; of anybody else's nothing."""
    rows = [{"components": [{"custom_id": "a"}, {"url": "x"}, {"custom_id": "b", "options": [{"value": "c"}]}]}]
    ours = {"author": {"id": ME}, "embeds": [{"title": "T"}], "components": rows}
    event = read_message(message(type=19, referenced_message=ours), ME)
    assert isinstance(event, Asked)
    assert (event.codes, event.title) == (("a", "b", "c"), "T")
    event = read_message(message(type=19, referenced_message={**ours, "author": ADA}), ME)
    assert isinstance(event, Asked)
    assert (event.codes, event.title) == ((), "")


def test_the_state_of_an_answer_comes_from_its_own_buttons():
    """Title and buttons tell topic, device and place of the message that is answered, after any restart."""
    here = State(Action.PLACE, "a", Device.IOS, "de").encode()
    other = State(Action.SHOW, "b").encode()
    titles = {"About a": "a"}

    def told(*codes: str, title: str = "") -> State | None:
        return state_of(Asked("", "", "", None, codes, title), titles)

    assert told(other, here, title="About a") == State(Action.SHOW, "a", Device.IOS, "de")
    assert told(other, here) == State(Action.SHOW, "a", Device.IOS, "de")
    assert told(State(Action.SHOW, "a", None, "gb").encode(), other, title="About a") == State(
        Action.SHOW, "a", None, "gb"
    )
    assert told(other, title="About a") == State(Action.SHOW, "a")
    assert told(State(Action.SHOW, "a", Device.IOS, check="xy").encode()) == State(Action.SHOW, "a", Device.IOS)
    assert told(other, "v1:menu::", "nonsense") is None
    assert told(State(Action.GROUP, "a").encode()) is None
    assert told(State(Action.LETTER, "a", place="de", check="xy").encode()) is None


def test_commands():
    """Commands carry their name and what was typed; who is alone with us needs no button to show it around."""
    data = {"type": 1, "name": "ask", "options": [{"name": "question", "type": 3, "value": "are <@9> my dms read?"}]}
    conversation = ("discord", "2", "7")
    assert read_interaction(interaction(2, data=data), CALL) == Commanded(
        CALL, "ask", "are   my dms read?", conversation, direct=False
    )
    direct = {"guild_id": None, "member": None, "user": ADA}
    for context, alone in ((1, True), (2, False), (None, True)):
        event = read_interaction(interaction(2, data={"name": "help"}, context=context, **direct), CALL)
        assert event == Commanded(CALL, "help", "", conversation, direct=alone)


def test_commands_on_messages():
    """The words of the message that was pointed at are the question."""
    data = {"type": 3, "name": "x", "target_id": "5", "resolved": {"messages": {"5": {"content": "why <@1>?"}}}}
    assert read_interaction(interaction(2, data=data), CALL) == Pointed(
        CALL, "why  ?", ("discord", "2", "7"), direct=False
    )
    gone = read_interaction(interaction(2, data={"type": 3, "target_id": "5"}), CALL)
    assert isinstance(gone, Pointed)
    assert gone.text == ""


def test_typing():
    """The option that has the focus is what is being typed, whatever its form."""
    options = [{"name": "other", "value": "x"}, {"name": "question", "value": "opt", "focused": True}]
    assert read_interaction(interaction(4, data={"name": "ask", "options": options}), CALL) == Typed(CALL, "opt")
    assert read_interaction(interaction(4, data={"options": [{"value": 5}]}), CALL) == Typed(CALL, "5")
    assert read_interaction(interaction(4), CALL) == Typed(CALL, "")


@pytest.mark.parametrize(
    ("changes", "own", "hidden"),
    [
        ({"message": {"flags": 64}}, True, True),
        ({"message": {"flags": 0, "interaction_metadata": {"user": ADA}}}, True, False),
        ({"message": {"interaction": {"user": ADA}}}, True, False),
        ({"message": {"referenced_message": {"author": ADA}}}, True, False),
        ({"message": {}, "context": 1}, True, False),
        ({"message": {"interaction_metadata": {"user": {"id": "9"}}}}, False, False),
        (
            {"message": {"interaction_metadata": {"user": {"id": "9"}}, "referenced_message": {"author": ADA}}},
            False,
            False,
        ),
        ({"message": {"referenced_message": None}}, False, False),
        ({"message": {}}, False, False),
        ({"message": {}, "member": {}}, False, False),
    ],
)
def test_whose_message_a_button_is_under(changes: dict[str, Any], own: bool, hidden: bool):
    """A message is one's own where only oneself sees it, called for it, or was replied to."""
    event = read_interaction(interaction(3, data={"custom_id": "c"}, **changes), CALL)
    assert isinstance(event, Pressed)
    assert (event.code, event.own, event.hidden) == ("c", own, hidden)


def test_choices_are_presses():
    """What is chosen from a menu carries the code, not the menu itself."""
    event = read_interaction(interaction(3, data={"custom_id": "choose:0", "values": ["v1:menu::"]}), CALL)
    assert isinstance(event, Pressed)
    assert event.code == "v1:menu::"


def test_own_words_are_read_from_the_message():
    """What one's own message quotes goes with the press; what somebody else's quotes does not."""
    told = {"embeds": [{"title": "T", "description": "> are my \\*dms\\* read?\n> 1\\. really\n\nNo."}]}
    mine = read_interaction(interaction(3, data={"custom_id": "c"}, message={**told, "flags": 64}), CALL)
    assert isinstance(mine, Pressed)
    assert mine.quoted == "are my *dms* read?\n1. really"
    other = read_interaction(interaction(3, data={"custom_id": "c"}, message={**told, "flags": 0}), CALL)
    assert isinstance(other, Pressed)
    assert other.quoted == ""


@pytest.mark.parametrize(
    "components",
    [
        [{"type": 18, "component": {"type": 4, "custom_id": "text", "value": " a <@1>\nb "}}],
        [{"type": 1, "components": [{"type": 4, "custom_id": "text", "value": " a <@1>\nb "}]}],
        [5, {"type": 10}, {"type": 18, "component": {"type": 4, "value": " a <@1>\nb "}}],
    ],
)
def test_forms_that_were_filled_in(components: list[Any]):
    """What was written into a form comes as it was written, whichever way Discord wraps it."""
    data = {"custom_id": "v1:writ:a:", "components": components}
    assert read_interaction(interaction(5, data=data), CALL) == Submitted(CALL, "v1:writ:a:", "a <@1>\nb")
    assert read_interaction(interaction(5), CALL) == Submitted(CALL, "", "")


def test_what_nobody_knows():
    """Interactions of other kinds are known to be unknown; without id and token there is nothing to answer."""
    assert read_interaction(interaction(6), CALL) == Unknown(CALL)
    assert read_interaction(interaction(2, data={"type": 2, "name": "x"}), CALL) == Unknown(CALL)
    assert call_of({"id": "1"}) is None
    assert call_of({"id": 1, "token": "t"}) == CALL


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1, 99), st.sampled_from(["7", ME, "", "v1:menu::"]), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.sampled_from(["id", "user", "author", "components", "options", "messages", "custom_id", "value", "values", "type"]),
        inner, max_size=4,
    )),
    max_leaves=12,
)  # fmt: skip
KEYS = (
    "id", "token", "type", "channel_id", "guild_id", "author", "content", "mentions", "referenced_message", "data",
    "member", "user", "message", "context", "attachments", "webhook_id", "channel", "flags",
)  # fmt: skip


@settings(max_examples=300)
@example({"type": [], "author": {}})
@example({"type": {}, "channel_id": "1", "id": "2", "author": {"id": "3"}, "mentions": [{"id": ["42"]}]})
@given(st.dictionaries(st.sampled_from(KEYS), values))
def test_no_payload_raises(raw: dict[str, Any]):
    """Whatever form an event has, reading it raises nothing."""
    read_message(raw, ME)
    read_interaction(raw, CALL)
    call_of(raw)


@given(st.text())
def test_words_are_sound(text: str):
    """What is handed on can be written as UTF-8, whatever came in."""
    assert words(text + "\ud83d").encode()
    json.dumps(words(text))
