"""Check what the form of the check-up cannot: that what it names exists, and that the marks suffice.

Each rule is a function from the draft to its errors. A new rule is a new function in RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.knowledge.checkup import MOST_CONTROLS
from bot.knowledge.draft import Draft
from bot.knowledge.finding import Finding, did_you_mean
from bot.knowledge.ids import ids_known
from bot.knowledge.model import chain_of

Rule = Callable[[Draft], Iterator[Finding]]


def ids_unique(draft: Draft) -> Iterator[Finding]:
    """Each control has an id of its own."""
    if not draft.checkup:
        return
    ids = [control.id for control in draft.checkup.form.controls]
    for index, id in enumerate(ids):
        if id in ids[:index]:
            yield draft.checkup.document.finding(
                ("controls", index, "id"), "duplicate-control", f'the control "{id}" stands twice', "delete one or rename it"
            )  # fmt: skip


def parts_known(draft: Draft) -> Iterator[Finding]:
    """Each control leads to a topic that exists, rests on known facts and names known places, each once."""
    if not draft.checkup:
        return
    facts = {fact.id for fact in draft.facts.form.facts} if draft.facts else None
    places = set(draft.places.form.places) if draft.places else None
    topics = set(draft.topic_ids)
    for index, control in enumerate(draft.checkup.form.controls):
        if control.topic not in topics:
            yield draft.checkup.document.finding(
                ("controls", index, "topic"), "unknown-topic", f'the topic "{control.topic}" is not known',
                did_you_mean(control.topic, topics, "correct the id"),
            )  # fmt: skip
        for key, noun, ids, known in (
            ("facts", "fact", control.facts, facts),
            ("places", "place", control.places, places),
            ("not_in", "place", control.not_in, places),
        ):
            # Where that file cannot be read, it is told there, and not again for each id.
            yield from ids_known(
                draft.checkup.document, ("controls", index, key), ids, ids if known is None else known, noun,
                f"correct it, or add it to {noun}s.yaml",
            )  # fmt: skip


def few_enough(draft: Draft) -> Iterator[Finding]:
    """No place has more controls than a button can carry marks for (MOST_CONTROLS)."""
    if not draft.checkup or not draft.places:
        return
    controls, form = draft.checkup.form.controls, draft.places.form
    for place in (None, *form.places):
        chain = chain_of(form.places, place)
        there = [index for index, control in enumerate(controls) if control.matters(chain)]
        if len(there) > MOST_CONTROLS:
            name = form.places[place].name if place else "people whose place is not known"
            yield draft.checkup.document.finding(
                ("controls", there[MOST_CONTROLS], "id"), "too-many-controls",
                f"the check-up has {len(there)} controls for {name}, more than {MOST_CONTROLS}",
                "join two of them, or limit one to some places with places: or not_in:",
            )  # fmt: skip
            return


RULES: tuple[Rule, ...] = (ids_unique, parts_known, few_enough)
