"""Hold a conversation: find out what is asked, and reply from the knowledge or honestly not at all."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.dialogue import checkup, feedback, fitting, guide, letters, screens
from bot.dialogue.answer import EASY, all_sources, answer, changed_note, menu_row, several
from bot.dialogue.conversations import Conversations
from bot.dialogue.feedback import Ledger
from bot.dialogue.model import Kind, Part, Prompt, Question, Reply, Section
from bot.dialogue.phrases import Phrases
from bot.dialogue.screens import Operator
from bot.dialogue.state import COMMANDS, Action, State, decode
from bot.dialogue.suggest import Suggestion, Suggestions
from bot.knowledge.markup import Paragraph, Span, blocks
from bot.knowledge.model import Device, Knowledge, PlaceId, TopicId
from bot.knowledge.texts import Courtesy, Despair, Screen, View
from bot.matching.model import Band, Match, Matcher, Ranked

MOST_CHARACTERS = 4_000
"""A question beyond this is cut before it is matched; the longest message of either platform fits."""

_FLOWS = frozenset({Action.GUIDE, Action.CHECKUP, Action.CHECKUP_GUIDE, Action.LETTER, Action.WRITE})
"""What leads through several screens, each with its own module."""

_BETWEEN = frozenset({Action.PLACE, Action.SOURCES})
"""What is looked at on the way from an answer back to it; the person's words stay in view."""


class Found(Protocol):
    """What was recognised in a message beside its topic."""

    @property
    def device(self) -> str | None:
        """Return the device that is named."""

    @property
    def place(self) -> str | None:
        """Return the place where the person is, or that the question is about."""

    @property
    def rest(self) -> str:
        """Return the message without what was recognised."""


class Finder(Protocol):
    """Recognise device and place in a message."""

    def find(self, text: str) -> Found:
        """Return what `text` names."""


@dataclass(frozen=True, slots=True)
class Mind:
    """Everything that answers depend on; replaced whole when the knowledge changes."""

    knowledge: Knowledge
    matcher: Matcher
    finder: Finder
    suggestions: Suggestions
    phrases: Phrases


class Dialogue:
    """The one conversation partner behind every platform.

    `clock` returns seconds that never run backwards, `today` the day by which reviews fall due. With a `ledger`
    people are asked whether an answer helped.
    """

    def __init__(
        self,
        mind: Mind,
        *,
        clock: Callable[[], float],
        today: Callable[[], datetime.date],
        operator: Operator | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._mind = mind
        self._ledger = ledger
        self._today = today
        self._operator = operator or Operator()
        self._conversations = Conversations(clock)

    @property
    def knowledge(self) -> Knowledge:
        """Return the knowledge that answers come from now."""
        return self._mind.knowledge

    @property
    def mind(self) -> Mind:
        """Return all that answers depend on now."""
        return self._mind

    def change(self, mind: Mind) -> None:
        """Answer from another knowledge from now on."""
        self._mind = mind

    def ask(self, question: Question) -> Reply:
        """Return the reply to what a person wrote."""
        # Taken once: it may be changed from another thread while this question is answered.
        mind = self._mind
        knowledge = mind.knowledge
        text = question.text[:MOST_CHARACTERS].strip()
        if not text:
            return screens.refusal(knowledge, Kind.NONE, knowledge.texts.empty, language="und")
        last = self._last(knowledge, question)
        if said := self._said(mind, text, last):
            return said
        found = mind.finder.find(text)
        device = Device(found.device) if found.device else None
        place = knowledge.settled(PlaceId(found.place)) if found.place else None
        state = State(Action.SHOW, device=device, place=place)
        # What the message itself names goes before what the message that it answers was fitted to.
        fitted = replace(
            state,
            device=device or (question.replied.device if question.replied else None),
            place=place or (question.replied.place if question.replied else None),
        )
        match = self._matched(mind, text, found, last)
        match = fitting.for_device(knowledge, fitting.for_place(knowledge, match, state), fitted)
        reply = self._reply(knowledge, match, fitted)
        if mind.phrases.despairs(text):
            # Also where something is asked: whether it is meant, no program can tell.
            despair = knowledge.texts.despair
            if match.band is not Band.SURE:
                return _plainly(knowledge, despair)
            reply = reply.with_note(Section(Part.NOTE, blocks(despair.text), despair.title))
        if reply.topics:
            self._conversations.remember(question.conversation, reply.topics[-1].topic)
        if self._ledger:
            reply = feedback.with_feedback(knowledge, self._ledger, reply, text)
        return replace(reply, device=device, place=place, language=match.language)

    def press(self, code: str, conversation: Hashable | None = None, quoted: str = "") -> Reply:
        """Return what a button leads to, kindly also where nobody knows the button any more.

        `quoted` are the person's words as the message shows them under which the button stands (Reply.quote).
        """
        state = decode(code)
        reply = self._pressed(state, quoted) if state else None
        if reply is None:
            return screens.refusal(self.knowledge, Kind.FAULT, self.knowledge.texts.too_old)
        if reply.topics:
            self._conversations.remember(conversation, reply.topics[-1].topic)
        return reply

    def prompt(self, code: str) -> Prompt | None:
        """Return what the button `code` asks a person to write, None where it asks for nothing."""
        state = decode(code)
        reply = self.show(state) if state else None
        return reply.prompt if reply else None

    def prompted(self, line: str) -> str | None:
        """Return the code of the prompt whose visible last line is `line`, None where it is of none any more."""
        state = letters.prompted(self.knowledge, line)
        return state.encode() if state else None

    def submit(self, code: str, text: str) -> Reply:
        """Return the reply to what a person wrote into the prompt `code`; nothing of it is kept."""
        knowledge = self.knowledge
        state = decode(code)
        reply = letters.submitted(knowledge, state, self._today(), text) if state else None
        return reply or replace(screens.refusal(knowledge, Kind.FAULT, knowledge.texts.too_old), private=True)

    def show(self, state: State) -> Reply | None:
        """Return the reply that `state` stands for, None where its topic or group is gone."""
        knowledge = self.knowledge
        if state.action in {Action.START, Action.HELP, Action.ABOUT, Action.PRIVACY}:
            return screens.screen(knowledge, self._operator, state)
        if state.action is Action.MENU:
            return screens.menu(knowledge, state.step)
        if state.action is Action.GROUP:
            return screens.group(knowledge, state)
        if state.action in _FLOWS:
            return _flow(knowledge, state, self._today())
        if state.topic not in knowledge.topics:
            return None
        if state.action is Action.PLACE:
            return screens.places(knowledge, state)
        reply = (
            all_sources(knowledge, state, self._today())
            if state.action is Action.SOURCES
            else answer(knowledge, state, self._today())
        )
        if state.step and reply.state and state.check != reply.state.check:
            first = self.show(replace(state, step=0, check=""))
            return first.with_note(changed_note(knowledge)) if first else None
        return reply

    def topic(self, id: str) -> Reply | None:
        """Return the answer of a topic by its id, as deep links name it; None where there is none."""
        return self.show(State(Action.SHOW, id)) if id in self.knowledge.topics else None

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Return phrases that fit what is being typed, best first."""
        return self._mind.suggestions.search(typed, limit)

    def no_text(self) -> Reply:
        """Return the reply to a picture, file or voice message."""
        return screens.refusal(self.knowledge, Kind.NONE, self.knowledge.texts.no_text)

    def flooded(self) -> Reply:
        """Return the reply to a group in which more is asked than may be answered."""
        return screens.plain(self.knowledge.texts.flooded, Kind.NONE)

    def too_much(self) -> Reply:
        """Return the reply to whoever asks more than can be meant."""
        return screens.plain(self.knowledge.texts.flood, Kind.NONE)

    def stopping(self) -> Reply:
        """Return the reply in place of an answer that is cut off because the bot stops."""
        return screens.plain(self.knowledge.texts.stopping, Kind.FAULT)

    def failed(self, reference: str) -> Reply:
        """Return the reply when something went wrong on our side."""
        text = self.knowledge.texts.failed.format(reference=reference)
        return Reply(Kind.FAULT, "", (Section(Part.ANSWER, (Paragraph((Span(text),)),)),))

    def forget(self) -> None:
        """Forget conversations whose time is over; called by the clock, since a quiet bot is asked nothing."""
        self._conversations.forget()

    def _pressed(self, state: State, quoted: str) -> Reply | None:
        knowledge, ledger = self.knowledge, self._ledger or feedback.NONE_KEPT
        match state.action:
            case Action.HELPED | Action.DIDNT:
                reply = self.show(replace(state, action=Action.SHOW))
                return feedback.rated(knowledge, ledger, state, reply, quoted) if reply else None
            case Action.EDITORS:
                return feedback.preview(knowledge, ledger, quoted)
            case Action.SEND:
                return feedback.send(knowledge, ledger, state, quoted)
            case Action.WITHDRAW:
                return feedback.withdraw(knowledge, ledger, state)
        reply = self.show(state)
        if reply and self._ledger and reply.kind is Kind.ANSWER:
            # What is shown to everyone are the bot's words, not those of whoever asked.
            said = "" if state.action is Action.SHARE else quoted
            return feedback.with_feedback(knowledge, ledger, reply, said)
        if reply and state.action in _BETWEEN and ledger.takes_messages:
            return replace(reply, quote=quoted)
        return reply

    def _last(self, knowledge: Knowledge, question: Question) -> str | None:
        """Return the topic that a follow-up is about: that of the message it answers, else the last one."""
        if question.replied and question.replied.topic in knowledge.topics:
            return question.replied.topic
        last = self._conversations.last(question.conversation)
        return last if last and last in knowledge.topics else None

    def _matched(self, mind: Mind, text: str, found: Found, last: str | None) -> Match:
        """Return which topics a message is about; `found` is what it names beside them, `last` the topic before it."""
        knowledge = mind.knowledge
        device = Device(found.device) if found.device else None
        bare = fitting.bare(found.rest)
        if last and bare and fitting.refits(knowledge, last, device, found.place):
            return _surely(last)
        if exact := mind.suggestions.exact(text):
            return _surely(exact)
        apart = last is not None and knowledge.topics[TopicId(last)].form.apart
        match = _known(mind.matcher.match(text, after=last, apart=apart), knowledge)
        if bare and match.band is not Band.SURE and (meant := fitting.stands_for(knowledge, device, found.place)):
            return _surely(meant)
        if found.place and not bare and not match.topics:
            # A place among the words makes the matcher doubt what it would be sure of without it.
            rest = _known(mind.matcher.match(found.rest, after=last, apart=apart), knowledge)
            return rest if rest.band is Band.SURE else match
        return match

    def _said(self, mind: Mind, text: str, last: str | None) -> Reply | None:
        """Return the reply to a message that asks for nothing in the knowledge, None for any other."""
        knowledge, phrases = mind.knowledge, mind.phrases
        if view := phrases.typed(text):
            shown = self.show(COMMANDS[view]) if view in COMMANDS else self._other_side(knowledge, view, last)
            if shown:
                return shown
        courtesy = phrases.courtesy(text)
        return _plainly(knowledge, courtesy) if courtesy else None

    def _other_side(self, knowledge: Knowledge, view: View, last: str | None) -> Reply | None:
        """Return another side of the last answer, None where there is none."""
        if not last:
            return None
        fit = knowledge.topics[TopicId(last)].default
        match view:
            case View.EASY if fit.easy:
                return self.show(State(Action.SHOW, last, marks=EASY))
            case View.GUIDE if fit.steps:
                return self.show(State(Action.GUIDE, last))
            case View.SOURCES:
                return self.show(State(Action.SOURCES, last))
        return None

    def _reply(self, knowledge: Knowledge, match: Match, state: State) -> Reply:
        if len(match.topics) > 1:
            return several(knowledge, state, self._today(), match.topics)
        if match.topics:
            state = replace(state, topic=match.topics[0].topic)
            return answer(knowledge, state, self._today(), ranked=match.topics, offered=match.offered)
        if match.offered:
            return screens.choices(knowledge, state, match.offered)
        if match.language not in {"en", "und"}:
            spoken = knowledge.texts.other_language
            head = Screen(title=knowledge.texts.other_language_title, text=spoken.get(match.language, spoken["en"]))
            return screens.refusal(knowledge, Kind.LANGUAGE, head)
        return screens.refusal(knowledge, Kind.NONE, knowledge.texts.none)


def _flow(knowledge: Knowledge, state: State, today: datetime.date) -> Reply | None:
    """Return the screen of a flow, None where what it leads through is gone."""
    if state.action is Action.GUIDE:
        return guide.show(knowledge, state, today)
    if state.action is Action.CHECKUP:
        return checkup.show(knowledge, state, today)
    if state.action is Action.CHECKUP_GUIDE:
        return checkup.show_guide(knowledge, state, today)
    return letters.show(knowledge, state, today)


def _surely(topic: str) -> Match:
    return Match(Band.SURE, (Ranked(topic, 1.0),), (), "en")


def _plainly(knowledge: Knowledge, said: Courtesy | Despair) -> Reply:
    return screens.plain(Screen(title=said.title, text=said.text), Kind.COURTESY, (menu_row(knowledge),))


def _known(match: Match, knowledge: Knowledge) -> Match:
    """Leave out topics that the knowledge no longer has: the heads may be older than it."""
    topics = tuple(item for item in match.topics if TopicId(item.topic) in knowledge.topics)
    offered = tuple(id for id in match.offered if TopicId(id) in knowledge.topics)
    if topics == match.topics and offered == match.offered:
        return match
    band = match.band if topics else (Band.CHOICES if offered else Band.NONE)
    return replace(match, topics=topics, offered=offered, band=band)
