"""Find the letters for where a person lives: the region, the country on which the authority depends, the list."""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue.answer import Row, body, menu_row, named
from bot.dialogue.model import Button, Kind, Reply
from bot.dialogue.state import Action, State
from bot.knowledge.letters import Letter
from bot.knowledge.model import Knowledge, PlaceId

CHOOSE, COUNTRIES, ELSEWHERE = 1, 2, 3
"""The branches of Action.LETTER without a letter: the regions, the countries of Europe, and nothing for the rest."""

_EUROPE = PlaceId("eea")
_WIDE = frozenset({_EUROPE, PlaceId("eu")})
_COUNTRIES_PER_PAGE = 20


def choose(knowledge: Knowledge, state: State) -> Reply:
    """Return what leads to a letter: the question where the person lives, or the letters for there."""
    texts = knowledge.texts.letters
    if state.branch == COUNTRIES:
        return _countries(knowledge, state)
    if state.branch == ELSEWHERE:
        return Reply(Kind.MENU, texts.elsewhere.title, body(texts.elsewhere.text), _away(knowledge, state))
    if not state.place or state.branch == CHOOSE:
        regions = (_regions(knowledge, state), menu_row(knowledge))
        return Reply(Kind.MENU, texts.where.title, body(texts.where.text), regions)
    name = knowledge.places[PlaceId(state.place)].name
    found = knowledge.letters_in(PlaceId(state.place))
    head = texts.list if found else texts.no_letter
    buttons = tuple(
        Button(letter.form.label, State(Action.LETTER, letter.id, state.device, state.place).encode())
        for letter in found
    )
    rows = tuple(row for row in (buttons, _away(knowledge, state)[0], menu_row(knowledge)) if row)
    return Reply(Kind.MENU, head.title.format(place=name), body(head.text), rows, state=state)


def _regions(knowledge: Knowledge, state: State) -> tuple[Button, ...]:
    """Return a button for each place that has letters, the countries of Europe behind one."""
    texts = knowledge.texts
    ids = {PlaceId(id) for letter in knowledge.letters.values() if letter.form.listed for id in letter.form.places}
    wide = {id for id in ids if _EUROPE in knowledge.chain(id)}
    buttons = [
        Button(named(knowledge.places[id].name), State(Action.LETTER, "", state.device, id).encode())
        for id in sorted(ids - wide, key=lambda id: named(knowledge.places[id].name))
    ]
    if wide:
        buttons.insert(
            0, Button(texts.letters.europe, State(Action.LETTER, "", state.device, branch=COUNTRIES).encode())
        )
    nowhere = State(Action.LETTER, "", state.device, branch=ELSEWHERE).encode()
    return (*buttons, Button(texts.buttons.place_elsewhere, nowhere))


def _countries(knowledge: Knowledge, state: State) -> Reply:
    """Return a page of the countries of the EEA, on which the authority depends."""
    texts = knowledge.texts
    ids = [id for id in knowledge.places if _EUROPE in knowledge.chain(id) and id not in _WIDE]
    ids.sort(key=lambda id: named(knowledge.places[id].name))
    pages = max(1, -(-len(ids) // _COUNTRIES_PER_PAGE))
    page = state.step if state.step < pages else 0
    shown = ids[page * _COUNTRIES_PER_PAGE : (page + 1) * _COUNTRIES_PER_PAGE]
    here = State(Action.LETTER, "", state.device, branch=COUNTRIES)
    buttons = [Button(named(knowledge.places[id].name), replace(here, place=id, branch=0).encode()) for id in shown]
    if page == pages - 1:
        buttons.append(Button(texts.letters.other_country, replace(here, place=_EUROPE, branch=0).encode()))
    turns = ((page - 1, texts.buttons.back), (page + 1, texts.buttons.more))
    turn = tuple(Button(label, here.at(to).encode()) for to, label in turns if 0 <= to < pages)
    rows = tuple(row for row in (tuple(buttons), turn, menu_row(knowledge)) if row)
    return Reply(Kind.MENU, texts.letters.country.title, body(texts.letters.country.text), rows)


def _away(knowledge: Knowledge, state: State) -> tuple[Row, ...]:
    choose = State(Action.LETTER, "", state.device, branch=CHOOSE).encode()
    return ((Button(knowledge.texts.letters.other_place, choose),), menu_row(knowledge))


def usable(knowledge: Knowledge, state: State) -> Letter | None:
    """Return the letter that `state` names, None where there is none or it is not for the place."""
    letter = knowledge.letters.get(state.topic)
    place = PlaceId(state.place) if state.place else None
    return letter if letter and place and _applies(knowledge, letter, place) else None


def _applies(knowledge: Knowledge, letter: Letter, place: PlaceId) -> bool:
    return not set(letter.form.places).isdisjoint(knowledge.chain(place))


def back(knowledge: Knowledge, state: State) -> tuple[Row, ...]:
    """Return the rows that lead from a letter to the list for its place, and to the menu."""
    every = State(Action.LETTER, "", state.device, state.place).encode()
    return ((Button(knowledge.texts.letters.all, every),), menu_row(knowledge))
