"""Check what the form of a letter cannot: that everything in it can be filled in, wherever it may be sent.

Each rule is a function from the draft to its errors. A new rule is a new function in RULES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.knowledge.draft import Draft, Filed
from bot.knowledge.finding import Finding, did_you_mean
from bot.knowledge.form import ID_PATTERN, MAX_TOPIC_ID
from bot.knowledge.ids import ids_known
from bot.knowledge.letters import BLANKS, PLACEHOLDERS, LetterForm, Recipient
from bot.knowledge.model import chain_of
from bot.knowledge.yaml_text import KeyPath, strings

Rule = Callable[[Draft], Iterator[Finding]]

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")
_BLANK = re.compile(r"\[([^\[\]\n]*)\]")
_FILLED = ("subject", "body")
"""The keys of a letter in which placeholders and blanks mean something."""


def ids_fit(draft: Draft) -> Iterator[Finding]:
    """A letter's id is its file name, in the form of a topic's."""
    for id in sorted(draft.letter_ids):
        if not re.match(ID_PATTERN, id) or len(id) > MAX_TOPIC_ID:
            yield Finding(
                f"letters/{id}.yaml", 1, 1, "letter-id", f'the file name "{id}" cannot be the id of a letter',
                f"rename it: lower-case letters, digits and single hyphens, at most {MAX_TOPIC_ID} characters",
            )  # fmt: skip


def facts_known(draft: Draft) -> Iterator[Finding]:
    """Each fact behind a letter stands in facts.yaml."""
    if draft.facts:
        known = {fact.id for fact in draft.facts.form.facts}
        for letter in draft.letters.values():
            yield from ids_known(
                letter.document, ("facts",), letter.form.facts, known, "fact", "add it to facts.yaml or correct the id"
            )


def places_known(draft: Draft) -> Iterator[Finding]:
    """Each place of a letter stands in places.yaml."""
    if draft.places:
        known = set(draft.places.form.places)
        remedy = "use a lower-case ISO 3166-1 code such as gb, eu, eea, or us-ca"
        for letter in draft.letters.values():
            yield from ids_known(letter.document, ("places",), letter.form.places, known, "place", remedy)


def placeholders_known(draft: Draft) -> Iterator[Finding]:
    """Each {placeholder} is one that the bot fills in, and stands where it does so."""
    remedy = "the bot fills in " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for letter in draft.letters.values():
        for path, text in strings(letter.document.data):
            if path[-1] == "url":
                continue
            for match in _PLACEHOLDER.finditer(text):
                if path[0] not in _FILLED:
                    what = f"{path[-1]}: {match[0]} is not filled in here"
                    yield _at(letter, path, text, match.start(), "placeholder", what, "write the words themselves")
                elif match[1] not in PLACEHOLDERS:
                    what = f"{path[-1]}: the placeholder {match[0]} is not known"
                    told = did_you_mean(match[1], PLACEHOLDERS, remedy)
                    yield _at(letter, path, text, match.start(), "placeholder", what, told)
            bare = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)
            if stray := re.search(r"[{}]", bare):
                what = f"{path[-1]}: a brace stands alone, but braces are only for placeholders"
                yield _at(letter, path, text, stray.start(), "placeholder", what, "delete it")


def blanks_known(draft: Draft) -> Iterator[Finding]:
    """Each [blank] is one that people know how to fill in."""
    remedy = "write one of " + ", ".join(f"[{name}]" for name in BLANKS)
    for letter in draft.letters.values():
        for key in _FILLED:
            text = letter.document.data[key]
            for match in _BLANK.finditer(text):
                if match[1] not in BLANKS:
                    what = f"{key}: the blank {match[0]} is not known"
                    told = did_you_mean(match[1], BLANKS, remedy)
                    yield _at(letter, (key,), text, match.start(), "blank", what, told)
            bare = _BLANK.sub(lambda match: " " * len(match[0]), text)
            if stray := re.search(r"[\[\]]", bare):
                what = f"{key}: a square bracket stands alone, but they are only for blanks"
                yield _at(letter, (key,), text, stray.start(), "blank", what, "delete it")


def grounds_paired(draft: Draft) -> Iterator[Finding]:
    """What is asked for in people's own words has its place in the body, once, and only that has one."""
    for letter in draft.letters.values():
        found = letter.form.body.count("{grounds}")
        if "{grounds}" in letter.form.subject:
            what, remedy = "subject: people's own words do not belong here", "delete {grounds}"
            yield letter.document.finding(("subject",), "grounds", what, remedy)
        if letter.form.grounds and not found:
            what, remedy = "grounds are asked for, but the body has no place for them", "write {grounds} in the body"
            yield letter.document.finding(("grounds",), "grounds", what, remedy, key=True)
        elif found and not letter.form.grounds:
            what = "the body has {grounds}, but nothing asks for them"
            remedy = "add grounds: with ask, hint, thoughts and warning, or delete {grounds}"
            yield letter.document.finding(("body",), "grounds", what, remedy, key=True)
        elif found > 1:
            what, remedy = "the body has {grounds} more than once", "keep it in one place"
            yield letter.document.finding(("body",), "grounds", what, remedy, key=True)


def deadlines_paired(draft: Draft) -> Iterator[Finding]:
    """A {deadline} has a day to name, and a deadline lies later than the letter."""
    for letter in draft.letters.values():
        deadline = letter.form.deadline
        for key in _FILLED:
            if "{deadline}" in getattr(letter.form, key) and not deadline:
                what = f"{key}: there is a {{deadline}}, but no deadline"
                remedy = "add deadline: with months or days, or delete {deadline}"
                yield letter.document.finding((key,), "deadline", what, remedy, key=True)
        if deadline and not deadline.months and not deadline.days:
            what, remedy = "the deadline has neither months nor days", "write months: or days: below it"
            yield letter.document.finding(("deadline",), "deadline", what, remedy, key=True)


def sent_follows(draft: Draft) -> Iterator[Finding]:
    """A {sent} names the day of an earlier letter, so only a letter that follows up another one can have it."""
    following = {letter.form.follow_up for letter in draft.letters.values()}
    for id, letter in draft.letters.items():
        for key in _FILLED:
            if "{sent}" not in getattr(letter.form, key):
                continue
            if id not in following:
                what = f"{key}: there is a {{sent}}, but this letter is the follow_up of none"
                remedy = f"write follow_up: {id} in the letter before it, or delete {{sent}}"
                yield letter.document.finding((key,), "sent", what, remedy, key=True)
            elif letter.form.grounds:
                # The visible line of a prompt, from which its state is read back, has no room for a day.
                what = f"{key}: there is a {{sent}} in a letter that asks for grounds, and the day would be lost"
                yield letter.document.finding((key,), "sent", what, "delete {sent} or grounds:", key=True)


def follow_ups_known(draft: Draft) -> Iterator[Finding]:
    """The letter for when no answer comes exists, is another one, and can be sent from the same places."""
    for id, letter in draft.letters.items():
        other = letter.form.follow_up
        if other is None:
            continue
        if other == id:
            what, remedy = "the letter follows up itself", "name another letter or delete follow_up:"
            yield letter.document.finding(("follow_up",), "follow-up", what, remedy)
        elif other not in draft.letter_ids:
            what = f'follow_up: the letter "{other}" is not known'
            remedy = did_you_mean(other, draft.letter_ids - {id}, "correct the id or write that letter")
            yield letter.document.finding(("follow_up",), "follow-up", what, remedy)
        elif other in draft.letters:
            there = draft.letters[other].form.places
            for place in letter.form.places:
                if set(there).isdisjoint(_chain(draft, place)):
                    what = f'follow_up: "{other}" cannot be sent from "{place}", where this letter can'
                    remedy = f"add {place} to places: of that letter, or name another one"
                    yield letter.document.finding(("follow_up",), "follow-up", what, remedy)


def recipients_known(draft: Draft) -> Iterator[Finding]:
    """Wherever a letter can be sent, it is known which company and which authority it means."""
    if not draft.places:
        return
    for letter in draft.letters.values():
        form = letter.form
        text = form.subject + form.body
        for index, place in enumerate(form.places):
            chain = [draft.places.form.places[id] for id in _chain(draft, place)]
            if not chain:
                continue
            controller = draft.places.form.controller or next((one.controller for one in chain if one.controller), None)
            wanted = form.to is Recipient.CONTROLLER or "{controller}" in text
            if wanted and not controller:
                what = f'places: no company is named for "{place}"'
                remedy = "add controller: to that place, or above places:, in places.yaml"
                yield letter.document.finding(("places", index), "recipient", what, remedy)
            wanted = form.to is Recipient.AUTHORITY or "{authority}" in text
            if wanted and not any(one.regulator for one in chain):
                what = f'places: no authority is named for "{place}"'
                remedy = "add regulator: to that place in places.yaml, or delete it here"
                yield letter.document.finding(("places", index), "recipient", what, remedy)


def titles_apart(draft: Draft) -> Iterator[Finding]:
    """No two letters for one place have the same title: what people write is told apart by title and place."""
    before: list[Filed[LetterForm]] = []
    for letter in draft.letters.values():
        for other in before:
            same = letter.form.title.casefold() == other.form.title.casefold()
            if same and (_meet(draft, letter.form, other.form) or _meet(draft, other.form, letter.form)):
                what = f'the title "{letter.form.title}" is that of {other.document.path} as well'
                yield letter.document.finding(("title",), "same-title", what, "say what is different")
        before.append(letter)


def _meet(draft: Draft, one: LetterForm, other: LetterForm) -> bool:
    return any(not set(other.places).isdisjoint(_chain(draft, place)) for place in one.places)


def _chain(draft: Draft, place: str) -> tuple[str, ...]:
    """Return a place and the wider ones around it, as far as places.yaml knows them."""
    return chain_of(draft.places.form.places, place) if draft.places else ()


def _at(letter: Filed[LetterForm], path: KeyPath, text: str, at: int, code: str, what: str, remedy: str) -> Finding:
    spot = letter.document.inside(path, text, at)
    dotted = ".".join(map(str, path))
    return Finding(letter.document.path, spot.line, spot.column, code, what, remedy, key=dotted)


RULES: tuple[Rule, ...] = (
    ids_fit, facts_known, places_known, placeholders_known, blanks_known, grounds_paired, deadlines_paired,
    sent_follows, follow_ups_known, recipients_known, titles_apart,
)  # fmt: skip
