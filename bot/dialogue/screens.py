"""Lay out the replies that belong to no topic: start, help, about, privacy, menu, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.dialogue.answer import Row, menu_row, named, to_topic
from bot.dialogue.model import Button, Kind, Part, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Block, Items, Paragraph, Span, Style, blocks, spans
from bot.knowledge.model import Knowledge, PlaceId, TopicId
from bot.knowledge.texts import Screen
from bot.matching.model import Band

ABOUT_TOPIC = TopicId("about-this-bot")
FIRST_TOPICS = ("opt-out-overview", "data-used", "which-countries", "what-happened")
"""What most people want first; shown under /start as far as the knowledge has them."""

_PER_PAGE = 20
_MOST_PLACES = 23


@dataclass(frozen=True, slots=True)
class Operator:
    """What people may know about whoever runs this bot; `kept` names the rows of /privacy in force."""

    contact: str | None = None
    privacy_url: str | None = None
    kept: tuple[str, ...] = ("last_topic",)


def screen(knowledge: Knowledge, operator: Operator, state: State) -> Reply:
    """Return the screen of `state.action`: start, help, about or privacy."""
    texts = knowledge.texts
    state = State(state.action, step=state.step)
    if state.action is Action.PRIVACY:
        return _privacy(knowledge, operator, state)
    if state.action is Action.ABOUT:
        return _about(knowledge, state)
    if state.action is Action.HELP:
        return Reply(
            Kind.SCREEN,
            texts.help.title,
            (Section(Part.ANSWER, blocks(texts.help.text)),),
            (menu_row(knowledge),),
            state=state,
        )
    first = tuple(to_topic(knowledge, id) for id in FIRST_TOPICS if id in knowledge.topics)
    return Reply(
        Kind.SCREEN,
        texts.start.title,
        (_disclaimer(knowledge), Section(Part.ANSWER, blocks(texts.start.text))),
        tuple(row for row in (first, menu_row(knowledge)) if row),
        state=state,
    )


def menu(knowledge: Knowledge, step: int = 0) -> Reply:
    """Return the menu of groups."""
    return _listed(knowledge, knowledge.texts.menu, State(Action.MENU, step=step), _groups(knowledge))


def group(knowledge: Knowledge, state: State) -> Reply | None:
    """Return the topics of the group that `state.topic` names, None where there is no such group."""
    found = next((group for group in knowledge.groups if group.id == state.topic), None)
    if not found:
        return None
    head = Screen(title=found.title, text=knowledge.texts.menu.text)
    buttons = tuple(to_topic(knowledge, id) for id in found.topics)
    return _listed(knowledge, head, State(Action.GROUP, found.id, step=state.step), buttons)


def places(knowledge: Knowledge, state: State) -> Reply:
    """Return the choice of places that make a difference to a topic. Raises KeyError for an unknown topic."""
    topic = knowledge.topics[TopicId(state.topic)]
    texts = knowledge.texts
    ids = sorted(topic.form.places, key=lambda id: named(knowledge.places[PlaceId(id)].name))[:_MOST_PLACES]

    def to(place: str | None) -> str:
        return State(Action.SHOW, topic.id, state.device, place, 0, state.marks).encode()

    buttons = [Button(named(knowledge.places[PlaceId(id)].name), to(id)) for id in ids]
    buttons.append(Button(texts.buttons.place_elsewhere, to(None)))
    # Without a place yet, the way back is the button for somewhere else.
    back = (Button(texts.buttons.full_answer, to(state.place)),) if state.place else ()
    return Reply(
        Kind.SCREEN,
        texts.place.title,
        (Section(Part.ANSWER, blocks(texts.place.text)),),
        tuple(row for row in (tuple(buttons), back) if row),
        device=state.device,
        place=state.place,
    )


def choices(knowledge: Knowledge, state: State, offered: Sequence[str]) -> Reply:
    """Return the question which of a few topics was meant."""
    text = knowledge.texts.choices
    buttons = tuple(to_topic(knowledge, id, state) for id in offered)
    return Reply(
        Kind.CHOICES, text.title, (Section(Part.ANSWER, blocks(text.text)),), (buttons, menu_row(knowledge)),
        band=Band.CHOICES, offered=tuple(offered), device=state.device, place=state.place,
    )  # fmt: skip


def refusal(knowledge: Knowledge, kind: Kind, head: Screen, *, language: str = "en") -> Reply:
    """Return a reply that answers nothing and leads to the menu."""
    return Reply(kind, head.title, (Section(Part.ANSWER, blocks(head.text)),), (_groups(knowledge),), language=language)


def plain(head: Screen, kind: Kind, rows: tuple[Row, ...] = ()) -> Reply:
    """Return a title and a text, nothing else."""
    return Reply(kind, head.title, (Section(Part.ANSWER, blocks(head.text)),), rows)


def _disclaimer(knowledge: Knowledge) -> Section:
    return Section(Part.NOTE, (Paragraph((Span(knowledge.texts.disclaimer, Style.BOLD),)),))


def _groups(knowledge: Knowledge) -> tuple[Button, ...]:
    return tuple(Button(group.title, State(Action.GROUP, group.id).encode()) for group in knowledge.groups)


def _listed(knowledge: Knowledge, head: Screen, state: State, buttons: tuple[Button, ...]) -> Reply:
    """Return a list of buttons, a page of twenty at a time."""
    texts = knowledge.texts.buttons
    start = state.step * _PER_PAGE
    if start >= len(buttons):
        state, start = state.at(0), 0
    turn: list[Button] = []
    if start:
        turn.append(Button(texts.back, state.at(state.step - 1).encode()))
    if start + _PER_PAGE < len(buttons):
        turn.append(Button(texts.more, state.at(state.step + 1).encode()))
    if state.action is not Action.MENU:
        turn += menu_row(knowledge)  # type: ignore[arg-type]
    rows = (buttons[start : start + _PER_PAGE], tuple(turn))
    return Reply(Kind.MENU, head.title, (Section(Part.ANSWER, blocks(head.text)),), tuple(row for row in rows if row))


def _about(knowledge: Knowledge, state: State) -> Reply:
    texts = knowledge.texts
    sections = (
        _disclaimer(knowledge),
        Section(Part.ANSWER, blocks(texts.about.text.format(count=len(knowledge.facts)))),
    )
    rows: list[Row] = []
    if topic := knowledge.topics.get(ABOUT_TOPIC):
        rows.append((to_topic(knowledge, topic.id),))
    rows.append(menu_row(knowledge))
    return Reply(Kind.SCREEN, texts.about.title, sections, tuple(rows), state=state)


def _privacy(knowledge: Knowledge, operator: Operator, state: State) -> Reply:
    texts = knowledge.texts.privacy
    kept: list[Block] = [Items(tuple(spans(getattr(texts.kept, name)) for name in operator.kept))]
    contact = texts.contact.format(contact=operator.contact) if operator.contact else texts.no_contact
    after = [texts.platforms, contact]
    if operator.privacy_url:
        after.append(texts.policy.format(url=operator.privacy_url))
    # What an operator typed is shown as it is, never read as markup.
    closing = tuple(Paragraph((Span(text),)) for text in after)
    sections = (
        Section(Part.ANSWER, blocks(texts.opening)),
        Section(Part.ANSWER, tuple(kept), texts.kept_heading),
        Section(Part.ANSWER, closing),
    )
    return Reply(Kind.SCREEN, texts.title, sections, (menu_row(knowledge),), state=state)
