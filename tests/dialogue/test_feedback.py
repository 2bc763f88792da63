from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from conftest import ROOT, TODAY, FakeMatcher, sure, write_knowledge

from bot.app import slots
from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.feedback import MOST_QUOTED
from bot.dialogue.model import Button, Kind, LinkButton, Part, Question, Reply
from bot.dialogue.phrases import Phrases
from bot.dialogue.state import Action, State, decode
from bot.dialogue.suggest import Suggestions
from bot.knowledge.loader import load
from bot.knowledge.model import Device, Knowledge
from bot.matching.model import Band, Match

TOPIC, OTHER = "opt-out-phone", "private-messages"
ASKED = "how do i switch it off, jane.doe@example.org wants to know"
VAIN = "what does linkedin think of my 3 cats"


@dataclass
class Kept:
    """A ledger of a test's own."""

    takes_messages: bool = True
    is_late: bool = False
    has_room: bool = True
    counts: list[tuple[str, str]] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    receipts: int = 0

    def count(self, topic: str, what: str) -> None:
        self.counts.append((topic, what))

    def receipt(self) -> str:
        self.receipts += 1
        return f"{self.receipts:020x}"

    def keep(self, text: str, receipt: str) -> bool:
        if self.has_room:
            self.messages.setdefault(receipt, text)
        return self.has_room

    def withdraw(self, receipt: str) -> None:
        self.messages.pop(receipt, None)


@pytest.fixture
def ledger() -> Kept:
    return Kept()


Make = Callable[..., Dialogue]


@pytest.fixture
def make(matcher: FakeMatcher) -> Make:
    matcher.says[ASKED] = sure(TOPIC)
    matcher.says["both"] = sure(TOPIC, OTHER)
    matcher.says["which"] = Match(Band.CHOICES, (), (TOPIC, OTHER), "en")

    def make(knowledge: Knowledge, ledger: Kept | None) -> Dialogue:
        mind = Mind(knowledge, matcher, slots(knowledge), Suggestions(knowledge), Phrases(knowledge.texts))
        return Dialogue(mind, clock=lambda: 0.0, today=lambda: TODAY, ledger=ledger)

    return make


@pytest.fixture
def talk(small: Knowledge, make: Make, ledger: Kept) -> Dialogue:
    return make(small, ledger)


def actions(reply: Reply) -> list[Action]:
    states = [decode(button.code) for row in reply.rows for button in row if isinstance(button, Button)]
    assert all(states)
    return [state.action for state in states if state]


def code(reply: Reply, action: Action) -> str:
    """Return the code of the one button that does this."""
    codes = [
        button.code
        for row in reply.rows
        for button in row
        if isinstance(button, Button) and (state := decode(button.code)) and state.action is action
    ]
    assert len(codes) == 1, (action, reply.rows)
    return codes[0]


def links(reply: Reply) -> list[str]:
    return [button.url for row in reply.rows for button in row if isinstance(button, LinkButton)]


def read(reply: Reply) -> str:
    return " ".join(
        span.text
        for section in reply.sections
        for block in section.blocks
        for line in ((block.line,) if hasattr(block, "line") else block.lines)
        for span in line
    )


def test_from_a_question_to_the_editors_and_back(talk: Dialogue, ledger: Kept):
    """Only the second press gives anything away, exactly what the first one showed, and the receipt takes it back."""
    answer = talk.ask(Question(ASKED))
    assert answer.quote == ASKED
    assert ledger.counts == []
    rated = talk.press(code(answer, Action.DIDNT), None, answer.quote)
    assert ledger.counts == [(TOPIC, "didnt")]
    assert Action.HELPED not in actions(rated)
    assert rated.quote == ASKED
    shown = talk.press(code(rated, Action.EDITORS), None, rated.quote)
    assert shown.private
    assert "jane" not in shown.quote
    assert ledger.messages == {}
    receipt = talk.press(code(shown, Action.SEND), None, shown.quote)
    assert receipt.private
    assert receipt.quote == ""
    assert list(ledger.messages.values()) == [shown.quote]
    gone = talk.press(code(receipt, Action.WITHDRAW))
    assert ledger.messages == {}
    assert gone.title == talk.knowledge.texts.editors.deleted.title


def test_a_kind_word_is_counted_and_nothing_else(talk: Dialogue, ledger: Kept):
    """That an answer helped is counted by its topic; the buttons go, the answer and the words stay."""
    answer = talk.ask(Question(ASKED))
    rated = talk.press(code(answer, Action.HELPED), None, answer.quote)
    assert ledger.counts == [(TOPIC, "helped")]
    assert {Action.HELPED, Action.DIDNT, Action.EDITORS}.isdisjoint(actions(rated))
    assert rated.title == answer.title
    assert rated.quote == ASKED
    assert talk.knowledge.texts.editors.helped_note in read(rated)


def test_two_presses_on_send_are_one_message(talk: Dialogue, ledger: Kept):
    """Each preview has a number of its own, and sending it twice is the same message with the same receipt."""
    shown = talk.press(State(Action.EDITORS).encode(), None, ASKED)
    again = talk.press(State(Action.EDITORS).encode(), None, ASKED)
    send = code(shown, Action.SEND)
    assert send != code(again, Action.SEND)
    first, second = (talk.press(send, None, shown.quote) for _ in range(2))
    assert first == second
    assert len(ledger.messages) == 1
    late = talk.press(send)
    assert late.title == talk.knowledge.texts.editors.sent_before.title
    assert code(late, Action.WITHDRAW) == code(first, Action.WITHDRAW)


@pytest.mark.parametrize("words", [VAIN, "which"])
def test_a_refusal_can_be_told_to_the_editors(talk: Dialogue, words: str):
    """Where there is no answer, the words are quoted and lead to the preview."""
    reply = talk.ask(Question(words))
    assert reply.kind in {Kind.NONE, Kind.CHOICES}
    assert reply.quote == words
    shown = talk.press(code(reply, Action.EDITORS), None, reply.quote)
    assert shown.quote == words.replace("3", talk.knowledge.texts.editors.masks.number)


def test_without_a_key_nothing_is_quoted_and_there_is_the_public_page(small: Knowledge, make: Make):
    """What cannot be kept is not asked for; counts go on."""
    ledger = Kept(takes_messages=False)
    talk = make(small, ledger)
    page = small.texts.editors.issues_url
    answer, refusal = talk.ask(Question(ASKED)), talk.ask(Question(VAIN))
    assert answer.quote == refusal.quote == ""
    assert page in links(refusal)
    rated = talk.press(code(answer, Action.DIDNT), None, ASKED)
    assert (rated.quote, ledger.counts) == ("", [(TOPIC, "didnt")])
    assert page in links(rated)
    for old in (State(Action.EDITORS), State(Action.SEND, "ab" * 10)):
        reply = talk.press(old.encode(), None, ASKED)
        assert page in links(reply)
        assert reply.quote == ""
    assert ledger.messages == {}


def test_without_a_ledger_old_buttons_still_lead_somewhere(small: Knowledge, make: Make):
    """A bot that keeps nothing any more shows the answer or the public page, and no such buttons of its own."""
    talk = make(small, None)
    answer = talk.ask(Question(ASKED))
    assert {Action.HELPED, Action.DIDNT, Action.EDITORS}.isdisjoint(actions(answer))
    assert answer.quote == ""
    assert talk.press(State(Action.HELPED, TOPIC).encode(), None, ASKED).title == answer.title
    for action in (Action.EDITORS, Action.SEND):
        assert small.texts.editors.issues_url in links(talk.press(State(action).encode(), None, ASKED))
    assert talk.press(State(Action.WITHDRAW, "ab" * 10).encode()).title == small.texts.editors.deleted.title


def test_words_that_are_gone_cannot_be_sent(talk: Dialogue, ledger: Kept):
    """Where a message no longer shows what was asked, nothing is sent and that is said."""
    for action in (Action.EDITORS, Action.SEND):
        reply = talk.press(State(action).encode())
        assert reply.title == talk.knowledge.texts.editors.nothing.title
    assert ledger.messages == {}


def test_a_store_that_is_gone_is_told(talk: Dialogue, ledger: Kept):
    """What waits is not called kept, what is not deleted yet is not called deleted, and the button stays."""
    ledger.is_late = True
    texts = talk.knowledge.texts.editors
    receipt = talk.press(State(Action.SEND, "ab" * 10).encode(), None, ASKED)
    assert receipt.title == texts.sent_later.title
    waiting = talk.press(code(receipt, Action.WITHDRAW))
    assert waiting.title == texts.deleted_later.title
    ledger.is_late = False
    assert talk.press(code(waiting, Action.WITHDRAW)).title == texts.deleted.title


def test_where_there_is_no_room_people_get_the_public_page(talk: Dialogue, ledger: Kept):
    """A message that cannot even wait is refused, not dropped unseen."""
    ledger.has_room = False
    reply = talk.press(State(Action.SEND, "ab" * 10).encode(), None, ASKED)
    assert reply.title == talk.knowledge.texts.editors.full.title
    assert talk.knowledge.texts.editors.issues_url in links(reply)


@pytest.mark.parametrize("said", ["1 " * 2000, "wait… " * 300, "\ufdfa" * 600, "a b\nc\td"])
def test_what_is_sent_is_what_was_shown(talk: Dialogue, ledger: Kept, said: str):
    """Also of long and odd words nothing else is kept than the preview shows, at most five hundred characters."""
    quoted = talk.ask(Question(said)).quote
    assert len(quoted) <= MOST_QUOTED
    shown = talk.press(State(Action.EDITORS).encode(), None, quoted)
    assert 0 < len(shown.quote) <= MOST_QUOTED
    talk.press(code(shown, Action.SEND), None, shown.quote)
    assert list(ledger.messages.values()) == [shown.quote]


def test_on_a_later_page_the_answer_stays_on_it(talk: Dialogue, ledger: Kept):
    """Device, place and page go with what people say about an answer."""
    first = talk.press(State(Action.SHOW, TOPIC, Device.IOS, "gb").encode())
    assert first.state
    at = replace(first.state, step=1)
    shown = talk.press(at.encode(), None, ASKED)
    rated = talk.press(code(shown, Action.DIDNT), None, ASKED)
    assert rated.state == at
    assert ledger.counts == [(TOPIC, "didnt")]


def test_an_answer_whose_text_changed_is_shown_from_its_start(talk: Dialogue, ledger: Kept):
    """The count is of the topic all the same, and that the text changed is said."""
    rated = talk.press(State(Action.DIDNT, TOPIC, step=2, check="zz").encode(), None, ASKED)
    assert rated.state
    assert rated.state.step == 0
    assert talk.knowledge.texts.changed in read(rated)
    assert talk.knowledge.texts.editors.didnt_note in read(rated)
    assert ledger.counts == [(TOPIC, "didnt")]


def test_a_topic_that_is_gone_is_not_counted(talk: Dialogue, ledger: Kept):
    """Only topics that exist are counted, so nobody can fill the store with names of their own."""
    for topic in ("long-gone", ""):
        for action in (Action.HELPED, Action.DIDNT):
            reply = talk.press(State(action, topic).encode(), None, ASKED)
            assert reply.kind is Kind.FAULT
    assert ledger.counts == []


def test_answers_from_links_and_menus_have_the_buttons(talk: Dialogue):
    """However an answer was reached, people can say whether it helped; without words of theirs there is the public page."""
    shown = talk.press(State(Action.SHOW, TOPIC).encode())
    rated = talk.press(code(shown, Action.DIDNT), None, shown.quote)
    assert Action.EDITORS not in actions(rated)
    assert talk.knowledge.texts.editors.issues_url in links(rated)


def test_words_go_along_from_answer_to_answer(talk: Dialogue):
    """Choices, several answers, places and sources keep the words in view; what is shown to everyone leaves them out."""
    for words in ("which", "both"):
        reply = talk.ask(Question(words))
        assert reply.quote == words
        chosen = talk.press(State(Action.SHOW, TOPIC).encode(), None, reply.quote)
        assert chosen.quote == words
    for action in (Action.PLACE, Action.SOURCES):
        assert talk.press(State(action, TOPIC).encode(), None, ASKED).quote == ASKED
    assert talk.press(State(Action.SHARE, TOPIC).encode(), None, ASKED).quote == ""


def test_screens_and_courtesies_quote_nothing(talk: Dialogue):
    """Thanks, screens and an empty message are no questions that went unanswered."""
    for reply in (
        talk.ask(Question("thanks")),
        talk.ask(Question(" ")),
        talk.press(State(Action.MENU).encode(), None, ASKED),
    ):
        assert reply.quote == ""
        assert {Action.HELPED, Action.DIDNT, Action.EDITORS}.isdisjoint(actions(reply))


def test_the_menu_stays_last(talk: Dialogue):
    """What leads elsewhere ends every reply, below the buttons for feedback."""
    for words, last in ((ASKED, Action.MENU), (VAIN, Action.GROUP), ("which", Action.MENU)):
        assert actions(talk.ask(Question(words)))[-1] is last


def test_the_note_of_thanks_is_a_note(talk: Dialogue):
    """It is drawn as what the bot says aside, not as part of the answer."""
    rated = talk.press(State(Action.HELPED, TOPIC).encode())
    assert [section.part for section in rated.sections if talk.knowledge.texts.editors.helped_note in read(replace(rated, sections=(section,)))] == [Part.NOTE]  # fmt: skip


def test_texts_of_the_editors_screens_come_from_the_knowledge(
    tmp_path: Path, make: Make, ledger: Kept, small: Knowledge
):
    """An operator who changes a sentence or the public page changes what people read."""
    text = (ROOT / "knowledge" / "texts.yaml").read_text(encoding="utf-8")
    changed = text.replace(small.texts.editors.issues_url, "https://issues.example.org/")
    knowledge = load(write_knowledge(tmp_path / "other", {"texts.yaml": changed}))
    ledger.takes_messages = False
    assert "https://issues.example.org/" in links(make(knowledge, ledger).ask(Question(VAIN)))
