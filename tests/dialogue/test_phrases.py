"""Messages that ask for nothing in the knowledge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import ROOT, FakeMatcher, sure
from replies import buttons, text_of

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Kind, Question
from bot.dialogue.phrases import Phrases
from bot.knowledge.loader import load, load_questions
from bot.matching.model import Band, Match, Ranked


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("hola", "Hello!"),
        ("ok", "All right"),
        ("Yes, please!", "All right"),
        ("👍🏽", "All right"),
        ("Thank you very much, my friend", "You are welcome"),
        ("ok great, thanks a lot!!", "You are welcome"),
        ("❤️", "You are welcome"),
        ("hi, thanks, bye", "Goodbye"),
        ("that's not what I asked", "Sorry about that"),
    ],
)
def test_what_people_say_in_passing_is_answered_in_kind(dialogue: Dialogue, text: str, title: str):
    """A message that is made of courtesies gets the text of the last one, not a refusal."""
    reply = dialogue.ask(Question(text))
    assert (reply.kind, reply.title, reply.topics) == (Kind.COURTESY, title, ())


@pytest.mark.parametrize(
    "text", ["very much", "ok then what about my posts", "thanks but is it legal", "yes and canada?", "?"]
)
def test_what_asks_something_is_no_courtesy(dialogue: Dialogue, matcher: FakeMatcher, text: str):
    """One word more than a courtesy, and the message is a question; words that stand beside one are none alone."""
    assert dialogue.ask(Question(text)).kind is not Kind.COURTESY
    assert matcher.asked


@pytest.mark.parametrize(
    "text", ["____", "__init__ thanks", "\u0301\u0301", "\ud800", "\x00\x01", "🏽", "z\u0337a\u0337", "٣", "_" * 4_000]
)
def test_odd_signs_are_neither_courtesy_nor_fault(dialogue: Dialogue, text: str):
    """Whatever a keyboard can send is read without a fault."""
    assert dialogue.ask(Question(text)).kind is not Kind.COURTESY


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("menu", "What would you like to know?"),
        ("ok menu please", "What would you like to know?"),
        ("All subjects", "What would you like to know?"),
        ("help", "How to ask"),
        ("start", "LinkedIn, AI and your data"),
        ("about", "About this bot"),
    ],
)
def test_a_screen_can_be_asked_for_by_its_name(dialogue: Dialogue, text: str, title: str):
    """On a phone people type what stands on a button, or a command without its stroke."""
    assert dialogue.ask(Question(text)).title == title


def test_another_side_of_the_last_answer_can_be_asked_for(make_dialogue: Callable[..., Dialogue], matcher: FakeMatcher):
    """Whoever writes that it should be simpler, step by step or with its sources means the answer before that."""
    talk = make_dialogue(load(ROOT / "knowledge"))
    matcher.says["how do i stop linkedin training ai on my stuff"] = sure("opt-out-overview")
    talk.ask(Question("how do i stop linkedin training ai on my stuff", "chat"))
    easy = talk.ask(Question("Simpler, please", "chat"))
    assert easy.state is not None
    assert (easy.topics[0].topic, easy.state.marks) == ("opt-out-overview", 1)
    assert "iPhone or iPad" in buttons(talk.ask(Question("step by step", "chat")))
    assert "Back to the answer" in buttons(talk.ask(Question("sources", "chat")))
    assert talk.ask(Question("simpler please", "another chat")).kind is Kind.NONE


@pytest.mark.parametrize(
    "text", ["i want to die", "i've lost my job, there's no point in living", "Ich will nicht mehr leben!"]
)
def test_who_wants_to_die_is_sent_to_people(dialogue: Dialogue, matcher: FakeMatcher, text: str):
    """Nothing else is said, also where a topic is near to the words (closing an account)."""
    matcher.says[text] = Match(Band.NEAR, (Ranked("opt-out-phone", 0.6),), ("private-messages",), "en")
    reply = dialogue.ask(Question(text))
    assert (reply.kind, reply.topics, reply.quote) == (Kind.COURTESY, (), "")
    assert "emergency number" in text_of(reply)


def test_a_question_with_words_of_despair_is_answered_below_them(dialogue: Dialogue, matcher: FakeMatcher):
    """Whether it is a figure of speech or a cry for help no program can tell, so nobody loses either."""
    text = "this app makes me want to die, where is the switch on my phone"
    matcher.says[text] = sure("opt-out-phone")
    reply = dialogue.ask(Question(text))
    assert [ranked.topic for ranked in reply.topics] == ["opt-out-phone"]
    assert "emergency number" in text_of(replace(reply, sections=reply.sections[:1]))
    assert "What this does not do" in text_of(reply)


def test_no_phrase_takes_a_question_from_the_matcher():
    """Neither an ask, nor a title, nor a golden question is a courtesy, the name of a screen, or despair."""
    knowledge, questions = load(ROOT / "knowledge"), load_questions(ROOT / "knowledge")
    phrases = Phrases(knowledge.texts)
    asked = [text for topic in knowledge.topics.values() for text in (topic.title, *topic.form.asks)]
    asked += [item.text for items in (*questions.topics.values(), *questions.short.values()) for item in items]
    asked += [pair.second for pair in questions.followups]
    taken = [text for text in asked if phrases.courtesy(text) or phrases.typed(text) or phrases.despairs(text)]
    assert taken == []
