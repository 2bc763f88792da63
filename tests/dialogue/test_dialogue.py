from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SMALL, Clock, FakeMatcher, sure, write_knowledge
from replies import buttons, text_of

from bot.dialogue.conversations import MEMORY_SECONDS, Conversations
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Kind, LinkButton, Part, Question, Reply
from bot.dialogue.screens import Operator
from bot.dialogue.state import Action, State, decode
from bot.knowledge.loader import load
from bot.knowledge.markup import Items, Paragraph
from bot.knowledge.model import Device, Knowledge
from bot.matching.model import Band, Match, Ranked


def steps(reply: Reply) -> list[str]:
    found = [section for section in reply.sections if section.part is Part.STEPS]
    return [
        "".join(span.text for span in row)
        for section in found
        for block in section.blocks
        if isinstance(block, Items)
        for row in block.lines
    ]


def covering(phone: str, messages: str) -> dict[str, str | None]:
    """Return the small knowledge's two topics with the places that each covers."""
    paths = {"topics/opting-out/opt-out-phone.yaml": phone, "topics/which-data/private-messages.yaml": messages}
    return {path: SMALL[path].replace("related:", f"covers: {covers}\nrelated:", 1) for path, covers in paths.items()}


def test_an_answer_has_all_its_parts(dialogue: Dialogue, matcher: FakeMatcher):
    """A sure answer shows title, answer, limits, more, sources, links, related topics and the day of its check."""
    matcher.says["stop it"] = sure("opt-out-phone")
    reply = dialogue.ask(Question("stop it"))
    assert reply.kind is Kind.ANSWER
    assert reply.title == "Turn off AI training on your phone"
    assert [section.part for section in reply.sections] == [
        Part.ANSWER,
        Part.NOTE,
        Part.LIMITS,
        Part.MORE,
        Part.SOURCES,
    ]
    assert reply.footer == "Sources checked on 1 November 2026"
    assert [button.url for row in reply.rows for button in row if isinstance(button, LinkButton)] == [
        "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement"
    ]
    assert "Are private messages used?" in buttons(reply)
    assert "All subjects" in buttons(reply)


def test_steps_wait_for_the_device_where_they_differ(dialogue: Dialogue, matcher: FakeMatcher):
    """With steps for several devices and none named, the reply asks which, and a press brings the steps."""
    matcher.says["stop it"] = sure("opt-out-phone")
    reply = dialogue.ask(Question("stop it"))
    assert steps(reply) == []
    assert "Which device" in text_of(reply)
    pressed = dialogue.press(buttons(reply)["Android"])
    assert steps(pressed) == ["Open the app on your Android.", "Tap Settings."]
    assert "Android" not in buttons(pressed)


def test_an_answer_is_fitted_to_device_and_place(dialogue: Dialogue, matcher: FakeMatcher):
    """Munich and iPhone in the question give the steps and limits that hold there, and say so."""
    matcher.says["i'm in munich on an iphone, how do i turn it off"] = sure("opt-out-phone")
    reply = dialogue.ask(Question("i'm in munich on an iphone, how do i turn it off"))
    assert (reply.device, reply.place) == (Device.IOS, "de")
    assert steps(reply) == ["Open the app in the EEA."]
    assert "objection form" in text_of(reply)
    assert text_of(reply).split("\n")[2].endswith(", Germany")


def test_related_topics_keep_device_and_place(dialogue: Dialogue, matcher: FakeMatcher):
    """Whoever said iPhone and Munich once need not say it again after a press."""
    matcher.says["iphone in munich off"] = sure("opt-out-phone")
    reply = dialogue.ask(Question("iphone in munich off"))
    state = decode(buttons(reply)["Are private messages used?"])
    assert state
    assert (state.device, state.place) == (Device.IOS, "de")


def test_the_easy_text_is_one_press_away(dialogue: Dialogue):
    """A topic with a plain-language text offers it, and the way back."""
    reply = dialogue.topic("opt-out-phone")
    assert reply
    easy = dialogue.press(buttons(reply)["In simpler words"])
    assert "There is a switch. Turn it off." in text_of(easy)
    assert "In full" in buttons(easy)


def test_an_overdue_answer_says_so(small: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Past its review the answer itself tells that it is due; on the last day it does not."""
    last = datetime.date(2026, 12, 31)
    on_time = make_dialogue(small, last).topic("opt-out-phone")
    late = make_dialogue(small, last + datetime.timedelta(days=1)).topic("opt-out-phone")
    assert on_time
    assert late
    assert "due for a check" not in on_time.footer
    assert "due for a check" in late.footer


def test_near_answers_also_offer(dialogue: Dialogue, matcher: FakeMatcher):
    """Where the matcher is only nearly sure, the reply answers and shows what else may have been meant."""
    matcher.says["who knows"] = Match(Band.NEAR, (Ranked("private-messages", 0.6),), ("opt-out-phone",), "en")
    reply = dialogue.ask(Question("who knows"))
    assert reply.band is Band.NEAR
    assert reply.offered == ("opt-out-phone",)
    assert "You may also have meant" in text_of(reply)
    assert "Turn it off on a phone" in buttons(reply)


def test_choices_answer_nothing(dialogue: Dialogue, matcher: FakeMatcher):
    """Where the matcher is unsure, the reply is a question with buttons and no answer."""
    matcher.says["who knows"] = Match(Band.CHOICES, (), ("opt-out-phone", "private-messages"), "en")
    reply = dialogue.ask(Question("who knows"))
    assert (reply.kind, reply.topics) == (Kind.CHOICES, ())
    assert list(buttons(reply))[:2] == ["Turn it off on a phone", "Are private messages used?"]


def test_an_unknown_question_is_refused_honestly(dialogue: Dialogue):
    """A question outside the knowledge gets a refusal and the menu, no topic and no guess."""
    reply = dialogue.ask(Question("what's the weather"))
    assert (reply.kind, reply.band, reply.topics, reply.offered) == (Kind.NONE, Band.NONE, (), ())
    assert "Opting out" in buttons(reply)


def test_another_language_is_told_in_that_language(dialogue: Dialogue, matcher: FakeMatcher):
    """A German question gets one German sentence and the menu."""
    matcher.says["wie schalte ich das ab"] = Match(Band.NONE, language="de")
    reply = dialogue.ask(Question("wie schalte ich das ab"))
    assert reply.kind is Kind.LANGUAGE
    assert reply.language == "de"
    assert "auf Englisch" in text_of(reply)
    assert "Opting out" in buttons(reply)


def test_a_language_without_a_sentence_is_told_in_english(dialogue: Dialogue, matcher: FakeMatcher):
    """Where texts.yaml has no sentence in a language, the English one stands in."""
    matcher.says["jak to"] = Match(Band.NONE, language="hu")
    assert "only answer in English" in text_of(dialogue.ask(Question("jak to")))


def test_several_questions_get_one_reply(dialogue: Dialogue, matcher: FakeMatcher):
    """Two topics in one message are answered in one reply, in order, each with a button to the whole."""
    matcher.says["both"] = sure("private-messages", "opt-out-phone")
    reply = dialogue.ask(Question("both"))
    assert [item.topic for item in reply.topics] == ["private-messages", "opt-out-phone"]
    assert "LinkedIn says no." in text_of(reply)
    assert "You can switch it off in the app." in text_of(reply)
    assert list(buttons(reply))[:2] == ["Are private messages used?", "Turn it off on a phone"]


def test_the_words_of_an_ask_need_no_matcher(dialogue: Dialogue, matcher: FakeMatcher):
    """A title or ask, word for word, is that topic; so autocomplete always leads where it says."""
    assert dialogue.ask(Question("Are my DMs read?")).topics[0].topic == "private-messages"
    assert matcher.asked == []


def test_topics_that_are_gone_are_not_answered(dialogue: Dialogue, matcher: FakeMatcher):
    """Heads that still know a deleted topic lead to a refusal, not to a fault."""
    matcher.says["old"] = sure("gone-topic")
    assert dialogue.ask(Question("old")).kind is Kind.NONE


def test_a_device_alone_refits_the_last_answer(dialogue: Dialogue, matcher: FakeMatcher):
    """After an answer, "and on android?" is that answer for Android."""
    matcher.says["stop it"] = sure("opt-out-phone")
    dialogue.ask(Question("stop it", "chat"))
    reply = dialogue.ask(Question("and on android?", "chat"))
    assert reply.topics[0].topic == "opt-out-phone"
    assert steps(reply)[0] == "Open the app on your Android."


def test_the_replied_message_goes_before_memory(dialogue: Dialogue, matcher: FakeMatcher):
    """A follow-up is about the message that it answers, with its device and place."""
    matcher.says["stop it"] = sure("private-messages")
    dialogue.ask(Question("stop it", "chat"))
    replied = State(Action.SHOW, "opt-out-phone", Device.IOS, "de")
    dialogue.ask(Question("and then", "chat", replied))
    assert matcher.asked[-1] == ("and then", "opt-out-phone")
    reply = dialogue.ask(Question("and on android", "chat", replied))
    assert reply.topics[0].topic == "opt-out-phone"
    assert reply.state
    assert (reply.state.device, reply.state.place) == (Device.ANDROID, "de")


def test_conversations_are_forgotten_after_ten_minutes(dialogue: Dialogue, matcher: FakeMatcher, clock: Clock):
    """The last topic is remembered for ten minutes and no second longer."""
    matcher.says["stop it"] = sure("opt-out-phone")
    dialogue.ask(Question("stop it", "chat"))
    clock.now = MEMORY_SECONDS - 1
    dialogue.ask(Question("one", "chat"))
    clock.now = MEMORY_SECONDS
    dialogue.ask(Question("two", "chat"))
    assert matcher.asked[-2:] == [("one", "opt-out-phone"), ("two", None)]


def test_a_quiet_bot_forgets_as_well(clock: Clock):
    """What is too old is dropped from memory by the clock alone."""
    conversations = Conversations(clock)
    conversations.remember("chat", "opt-out-phone")
    clock.now = MEMORY_SECONDS
    conversations.forget()
    assert not conversations._topics


def test_the_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """Beyond its bound the oldest conversation is forgotten first."""
    monkeypatch.setattr("bot.dialogue.conversations.MOST", 2)
    conversations = Conversations(clock)
    for name in ("one", "two", "three"):
        conversations.remember(name, "opt-out-phone")
    assert [conversations.last(name) for name in ("one", "two", "three")] == [None, "opt-out-phone", "opt-out-phone"]


def test_conversations_do_not_mix(dialogue: Dialogue, matcher: FakeMatcher):
    """What one conversation was about means nothing in another."""
    matcher.says["stop it"] = sure("opt-out-phone")
    dialogue.ask(Question("stop it", "one"))
    dialogue.ask(Question("who knows", "two"))
    assert matcher.asked[-1] == ("who knows", None)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_message_is_asked_for_words(dialogue: Dialogue, text: str):
    """An empty message gets a reply that asks for a question."""
    assert "own words" in text_of(dialogue.ask(Question(text)))


@pytest.mark.parametrize(
    ("text", "title"), [("Hi!", "Hello!"), ("thanks", "You are welcome"), ("THANK YOU!!", "You are welcome")]
)
def test_courtesies_are_returned(dialogue: Dialogue, text: str, title: str):
    """A greeting or thanks is answered in kind, without a topic."""
    reply = dialogue.ask(Question(text))
    assert (reply.title, reply.topics, reply.offered) == (title, (), ())


def test_a_question_is_never_read_beyond_its_limit(dialogue: Dialogue, matcher: FakeMatcher):
    """A hundred thousand characters reach the matcher cut to four thousand."""
    dialogue.ask(Question("x" * 100_000))
    assert len(matcher.asked[-1][0]) == 4_000


@pytest.mark.parametrize(
    "code", ["", "v0:show:x:", "v1:show:gone-topic:", "v1:grp:gone:", "v1:srcs:gone:", "nonsense", "v1:plac:gone:"]
)
def test_old_buttons_are_answered_kindly(dialogue: Dialogue, code: str):
    """A button that nobody knows any more says so and offers the menu."""
    reply = dialogue.press(code)
    assert "too old" in reply.title
    assert "Opting out" in buttons(reply)


def test_every_button_leads_somewhere(dialogue: Dialogue):
    """From the start, every reachable button leads to a reply whose buttons lead on."""
    seen: set[str] = set()
    queue = [
        State(action).encode() for action in (Action.START, Action.HELP, Action.ABOUT, Action.PRIVACY, Action.MENU)
    ]
    while queue:
        code = queue.pop()
        if code in seen:
            continue
        seen.add(code)
        reply = dialogue.press(code)
        assert reply.kind is not Kind.FAULT, code
        queue += buttons(reply).values()
    assert len(seen) > 20


def test_a_changed_answer_is_told_as_changed(folder: Path, make_dialogue: Callable[..., Dialogue]):
    """A page button of an answer that has changed since leads to its beginning, and says so."""
    before = make_dialogue(load(folder))
    reply = before.topic("opt-out-phone")
    assert reply
    code = reply.page(1)
    assert code
    file = folder / "topics/opting-out/opt-out-phone.yaml"
    file.write_text(file.read_text().replace("You can switch it off", "You may switch it off"))
    after = make_dialogue(load(folder)).press(code)
    assert "has changed" in text_of(after)
    assert after.state
    assert after.state.step == 0


def test_start_and_about_say_who_the_bot_is_not(dialogue: Dialogue):
    """The first lines of start and about: neither LinkedIn nor Microsoft, no legal advice."""
    for action in (Action.START, Action.ABOUT):
        reply = dialogue.show(State(action))
        assert reply
        first = text_of(reply).split("\n")[2]
        assert "neither to LinkedIn nor to Microsoft" in first
        assert "no legal advice" in first


def test_privacy_names_the_operator_as_typed(small: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Contact and policy address are shown as the operator set them, never read as markup."""
    dialogue = make_dialogue(
        small, operator=Operator(contact="**me** [x](https://evil.example)", privacy_url="https://example.org/p")
    )
    reply = dialogue.show(State(Action.PRIVACY))
    assert reply
    spans = [
        span
        for section in reply.sections
        for block in section.blocks
        if isinstance(block, Paragraph)
        for span in block.line
    ]
    assert any("**me** [x](https://evil.example)" in span.text and span.url is None for span in spans)
    assert "https://example.org/p" in text_of(reply)


def test_places_that_matter_can_be_chosen(dialogue: Dialogue):
    """A topic that differs by place offers the places, and a press fits the answer."""
    reply = dialogue.topic("opt-out-phone")
    assert reply
    choice = dialogue.press(buttons(reply)["Where do you live?"])
    assert "Somewhere else" in buttons(choice)
    fitted = dialogue.press(buttons(choice)["United Kingdom"])
    assert "In the UK you can switch it off as well." in text_of(fitted)


def test_long_groups_are_turned_by_pages(tmp_path: Path, make_dialogue: Callable[..., Dialogue]):
    """A group of more than twenty topics is shown twenty at a time, with a way on and back."""
    one = SMALL["topics/which-data/private-messages.yaml"]
    many: dict[str, str | None] = {
        f"topics/which-data/t{n}.yaml": one.replace("title: Are", f"title: {n} are").replace("  - ", f"  - {n} ")
        for n in range(30)
    }
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "k", many)))
    first = dialogue.press(State(Action.GROUP, "which-data").encode())
    second = dialogue.press(buttons(first)["More"])
    labels = [*list(buttons(first))[:20], *list(buttons(second))[:11]]
    assert len(set(labels)) == 31
    assert "Back" in buttons(second)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("i moved from london to berlin", "private-messages"),
        ("i moved from berlin to london", "opt-out-phone"),
        ("i am in lyon", "private-messages"),
        ("i am in ohio", "opt-out-phone"),
        ("who knows", "opt-out-phone"),
    ],
)
def test_a_place_has_the_topic_that_covers_it(
    make_dialogue: Callable[..., Dialogue], tmp_path: Path, matcher: FakeMatcher, text: str, topic: str
):
    """Where a topic of another place was nearest, the one that covers the place that was named answers, if there is one."""
    changes = covering(phone="[gb]", messages="[eu, eea]")
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "k", changes)))
    matcher.says[text] = Match(Band.NEAR, (Ranked("opt-out-phone", 0.7),), ("private-messages",))
    reply = dialogue.ask(Question(text))
    assert [ranked.topic for ranked in reply.topics] == [topic]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("and belarus?", "private-messages"),
        ("i live in belarus", "private-messages"),
        ("in london", "opt-out-phone"),
        ("and in lyon?", "private-messages"),
        ("android", "opt-out-phone"),
        ("on my android phone please", "opt-out-phone"),
    ],
)
def test_a_place_or_a_device_alone_is_a_question(
    make_dialogue: Callable[..., Dialogue], tmp_path: Path, text: str, topic: str
):
    """Nothing but a place gets the topic that covers it, or the one for everywhere else; a device the way to the switch."""
    changes = covering(phone="[gb]", messages="[elsewhere]")
    reply = make_dialogue(load(write_knowledge(tmp_path / "k", changes))).ask(Question(text))
    assert [ranked.topic for ranked in reply.topics] == [topic]


def test_a_place_that_no_topic_covers_gets_no_answer_about_another_place(
    make_dialogue: Callable[..., Dialogue], tmp_path: Path, matcher: FakeMatcher
):
    """What is true of the EU is never said of Belarus, however near the words of the question were."""
    changes = covering(phone="[eu, eea]", messages="[elsewhere]")
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "k", changes)))
    matcher.says["i am in belarus, are they reading?"] = sure("opt-out-phone")
    assert dialogue.ask(Question("i am in belarus, are they reading?")).topics[0].topic == "private-messages"
    matcher.says["i am in france, are they reading?"] = sure("private-messages")
    assert dialogue.ask(Question("i am in france, are they reading?")).topics[0].topic == "opt-out-phone"


def test_between_topics_of_places_the_place_that_was_named_decides(
    make_dialogue: Callable[..., Dialogue], tmp_path: Path, matcher: FakeMatcher
):
    """Who moved from Berlin to London gets the answer for London, and what else may have been meant."""
    changes = covering(phone="[gb]", messages="[eu, eea]")
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "k", changes)))
    matcher.says["i moved from berlin to london"] = Match(Band.CHOICES, (), ("private-messages", "opt-out-phone"), "en")
    reply = dialogue.ask(Question("i moved from berlin to london"))
    assert [ranked.topic for ranked in reply.topics] == ["opt-out-phone"]
    assert (reply.band, reply.offered) == (Band.NEAR, ("private-messages",))


def test_a_place_among_the_words_hides_no_question(dialogue: Dialogue, matcher: FakeMatcher):
    """What the matcher is sure of without the place is the answer, fitted to the place; what it is not stays as it was."""
    matcher.says["are my dms read"] = sure("private-messages")
    reply = dialogue.ask(Question("are my dms read in london"))
    assert ([ranked.topic for ranked in reply.topics], reply.place) == (["private-messages"], "gb")
    matcher.says["who won"] = Match(Band.NEAR, (Ranked("private-messages", 0.6),), ("opt-out-phone",), "en")
    assert dialogue.ask(Question("who won in london")).kind is Kind.NONE


def test_suggestions_complete_words(dialogue: Dialogue):
    """While typing, phrases whose words begin as typed are suggested, titles first; nothing typed gives titles."""
    assert [item.text for item in dialogue.suggest("", 25)] == [
        "Turn off AI training on your phone",
        "Are private messages used?",
    ]
    assert dialogue.suggest("priv mes", 25)[0].text == "Are private messages used?"
    assert dialogue.suggest("zzz", 25) == []
    assert len(dialogue.suggest("a", 1)) == 1


def test_the_matcher_hears_whether_the_last_topic_is_apart(
    make_dialogue: Callable[..., Dialogue], tmp_path: Path, matcher: FakeMatcher
):
    """What is about something else than LinkedIn's setting says so in its file, and what points there means it."""
    path = "topics/which-data/private-messages.yaml"
    changes: dict[str, str | None] = {path: SMALL[path].replace("related:", "apart: true\nrelated:", 1)}
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "k", changes)))
    matcher.says |= {"messages": sure("private-messages"), "the switch": sure("opt-out-phone")}
    for text in ("messages", "how do i stop it", "the switch", "how do i stop it"):
        dialogue.ask(Question(text, "chat"))
    assert matcher.apart == [False, True, True, False]


def test_a_place_that_makes_no_difference_is_a_question_of_its_own(dialogue: Dialogue, matcher: FakeMatcher):
    """After "and Canada?" the question goes to the matcher, where the last topic says nothing else for Canada."""
    matcher.says["messages"] = sure("private-messages")
    dialogue.ask(Question("messages", "chat"))
    dialogue.ask(Question("and canada?", "chat"))
    assert matcher.asked[-1] == ("and canada?", "private-messages")


@pytest.mark.parametrize(
    ("text", "place"), [("i live in texas", "us"), ("i live in california", "us-ca"), ("i live in munich", "de")]
)
def test_a_subdivision_is_named_only_where_it_matters(dialogue: Dialogue, text: str, place: str):
    """Texas is the United States to the bot, California is California: it has an authority of its own."""
    assert dialogue.ask(Question(text)).place == place
