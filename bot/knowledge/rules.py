"""Check what a form cannot: that the parts of the knowledge fit together and are safe to show.

Each rule is a function from the draft to its errors. A new rule is a new function in RULES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.knowledge.draft import Draft
from bot.knowledge.finding import Finding, did_you_mean
from bot.knowledge.form import ID_PATTERN, MAX_TOPIC_ID, web_address
from bot.knowledge.ids import ids_known
from bot.knowledge.model import ELSEWHERE, Device, PlacesForm
from bot.knowledge.questions import QuestionsForm
from bot.knowledge.yaml_text import KeyPath, strings

Rule = Callable[[Draft], Iterator[Finding]]

_ADDRESS = re.compile(
    r"\[[^\]\n]*\]\((?P<linked>[^)\n]*)\)?|(?P<bare>\b(?:[A-Za-z][A-Za-z0-9+.-]*://[^\s)\]>]+|javascript:[^\s)\]>]+))"
)
"""A link of the small Markdown, or an address that stands in a text as it is."""


def topic_ids(draft: Draft) -> Iterator[Finding]:
    """A topic's id is its file name: lower-case letters, digits and hyphens, at most 40."""
    seen: dict[str, str] = {}
    for path in sorted(draft.topic_paths):
        id = path.rsplit("/", 1)[-1].removesuffix(".yaml")
        if not re.match(ID_PATTERN, id) or len(id) > MAX_TOPIC_ID:
            yield Finding(
                path, 1, 1, "topic-id", f'the file name "{id}" cannot be a topic id',
                f"rename it: lower-case letters, digits and single hyphens, at most {MAX_TOPIC_ID} characters",
            )  # fmt: skip
        if id in seen:
            yield Finding(
                path,
                1,
                1,
                "duplicate-topic",
                f'the topic "{id}" exists twice (also {seen[id]})',
                "rename or delete one of them",
            )
        seen.setdefault(id, path)


def groups_known(draft: Draft) -> Iterator[Finding]:
    """Each folder of topics is a group of groups.yaml, and no group stands there twice."""
    if not draft.groups:
        return
    known = [group.id for group in draft.groups.form.groups]
    for index, id in enumerate(known):
        if id in known[:index]:
            yield draft.groups.document.finding(
                ("groups", index, "id"), "duplicate-group", f'the group "{id}" stands twice', "delete one"
            )
    told: set[str] = set()
    for path in sorted(draft.topic_paths):
        folder = path.split("/")[1]
        if folder not in known and folder not in told:
            told.add(folder)
            yield Finding(
                path, 1, 1, "unknown-group", f'the folder "{folder}" is no group of groups.yaml',
                did_you_mean(folder, known, f'add "{folder}" to groups.yaml or move the file'),
            )  # fmt: skip


def facts_known(draft: Draft) -> Iterator[Finding]:
    """Each fact that a topic rests on stands in facts.yaml, once."""
    if not draft.facts:
        return
    known = [fact.id for fact in draft.facts.form.facts]
    for index, id in enumerate(known):
        if id in known[:index]:
            yield draft.facts.document.finding(
                ("facts", index, "id"), "duplicate-fact", f'the fact "{id}" stands twice', "delete one"
            )
    for topic in draft.topics.values():
        yield from ids_known(
            topic.document, ("facts",), topic.form.facts, known, "fact", "add it to facts.yaml or correct the id"
        )


def sources_known(draft: Draft) -> Iterator[Finding]:
    """Each source of a fact stands in sources.yaml, once."""
    if not draft.sources:
        return
    known = [source.id for source in draft.sources.form.sources]
    for index, id in enumerate(known):
        if id in known[:index]:
            yield draft.sources.document.finding(
                ("sources", index, "id"), "duplicate-source", f'the source "{id}" stands twice', "delete one"
            )
    for index, fact in enumerate(draft.facts.form.facts if draft.facts else []):
        for place, source in enumerate(fact.sources):
            if source in fact.sources[:place]:
                assert draft.facts
                yield draft.facts.document.finding(
                    ("facts", index, "sources", place), "duplicate-source", f'the source "{source}" stands twice', "delete one"
                )  # fmt: skip
            if source not in known:
                assert draft.facts
                yield draft.facts.document.finding(
                    ("facts", index, "sources", place), "unknown-source", f'the source "{source}" of {fact.id} is not in sources.yaml',
                    did_you_mean(source, known, "add it to sources.yaml or correct the id"),
                )  # fmt: skip


def related_known(draft: Draft) -> Iterator[Finding]:
    """Each related topic exists and is another one."""
    for id, topic in draft.topics.items():
        yield from ids_known(
            topic.document, ("related",), topic.form.related, draft.topic_ids, "topic", "correct the id or delete it"
        )
        for index, other in enumerate(topic.form.related):
            if other == id:
                yield topic.document.finding(
                    ("related", index), "related-self", f'"{id}" is related to itself', "delete it here"
                )


_CODES = "use a lower-case ISO 3166-1 code such as gb, eu, eea, or us-ca"


def places_known(draft: Draft) -> Iterator[Finding]:
    """Each place of a topic stands in places.yaml, and so does each wider place."""
    if not draft.places:
        return
    known = set(draft.places.form.places)
    for topic in draft.topics.values():
        for place in topic.form.places:
            if place not in known:
                yield topic.document.finding(
                    ("places", place), "unknown-place", f'places: the place "{place}" is not known',
                    did_you_mean(place, known, _CODES), key=True,
                )  # fmt: skip
    for id, form in draft.places.form.places.items():
        for index, wider in enumerate(form.wider):
            if fault := _wider_fault(id, wider, form.wider[:index], draft.places.form):
                yield draft.places.document.finding(("places", id, "in", index), "wider-place", *fault)
            elif wider not in known:
                yield draft.places.document.finding(
                    ("places", id, "in", index), "unknown-place", f'the wider place "{wider}" of "{id}" is not known',
                    did_you_mean(wider, known - {id}, "add it to places.yaml or correct it"),
                )  # fmt: skip
        if not re.fullmatch(r"[a-z]{2}|[a-z]{2}-[a-z0-9]{1,3}|eea", id):
            yield draft.places.document.finding(
                ("places", id), "place-id", f'"{id}" cannot be a place',
                "use a lower-case ISO 3166-1 code such as gb, one with a subdivision such as us-ca, eu or eea", key=True,
            )  # fmt: skip


def covered_known(draft: Draft) -> Iterator[Finding]:
    """Each place that a topic covers stands in places.yaml or is `elsewhere`, and stands once in its list."""
    if not draft.places:
        return
    known = (*draft.places.form.places, ELSEWHERE)
    for topic in draft.topics.values():
        yield from ids_known(topic.document, ("covers",), topic.form.covers, known, "place", _CODES)


def _wider_fault(id: str, wider: str, before: list[str], form: PlacesForm) -> tuple[str, str] | None:
    """Return what is wrong with a wider place, and what to do; a place lies only in what is larger than itself."""
    if wider in before:
        return f'the wider place "{wider}" of "{id}" stands twice', "delete one"
    if wider in form.places and (wider == id or _size(wider) <= _size(id)):
        remedy = "a subdivision lies in its country, a country in eu or eea, and eu in eea; delete it or write that one"
        return f'"{id}" cannot lie in "{wider}"', remedy
    for other in before:
        if wider in form.places and other in form.places[wider].wider:
            return f'"{wider}" is narrower than "{other}", which stands before it', f"write {wider} before {other}"
    return None


def _size(place: str) -> int:
    return {"eea": 3, "eu": 2}.get(place, 0 if "-" in place else 1)


def devices_known(draft: Draft) -> Iterator[Finding]:
    """Each device is one of the four."""
    known = {device.value for device in Device}
    remedy = "the devices are " + ", ".join(sorted(known))
    if draft.devices:
        for id in draft.devices.form.devices:
            if id not in known:
                what = f'the device "{id}" is not known'
                yield draft.devices.document.finding(
                    ("devices", id), "unknown-device", what, did_you_mean(id, known, remedy), key=True
                )
        for id in sorted(known - set(draft.devices.form.devices)):
            yield draft.devices.document.finding(
                ("devices",), "missing-key", f'the device "{id}" is missing', f"add a key {id}:", key=True
            )
    for topic in draft.topics.values():
        for path, steps in _each(topic.form.steps, topic.form.places, "steps"):
            for device in steps:
                if device not in known:
                    what = f'steps: the device "{device}" is not known'
                    yield topic.document.finding(
                        (*path, device), "unknown-device", what, did_you_mean(device, known, remedy), key=True
                    )


def _each(own: object, places: object, key: str) -> Iterator[tuple[KeyPath, dict[str, list[str]]]]:
    if isinstance(own, dict):
        yield (key,), own
    if isinstance(places, dict):
        for place, fitted in places.items():
            value = getattr(fitted, key)
            if isinstance(value, dict):
                yield ("places", place, key), value


def limits_present(draft: Draft) -> Iterator[Finding]:
    """Where there are steps, it is said what they do not do."""
    for topic in draft.topics.values():
        if topic.form.limits:
            continue
        if topic.form.steps:
            yield topic.document.finding(
                ("steps",), "missing-limits", "there are steps, but limits is missing",
                "add limits: | and say below it what these steps do not do", key=True,
            )  # fmt: skip
        for place, fitted in topic.form.places.items():
            if fitted.steps and not fitted.limits and not topic.form.steps:
                yield topic.document.finding(
                    ("places", place, "steps"), "missing-limits", f"there are steps for {place}, but limits is missing",
                    "add limits: | and say below it what these steps do not do", key=True,
                )  # fmt: skip


def links_safe(draft: Draft) -> Iterator[Finding]:
    """Whatever leads somewhere inside a text leads to a plain https address; platforms make links of bare ones too."""
    shown = [topic.document for topic in draft.topics.values()]
    shown += [letter.document for letter in draft.letters.values()]
    shown += [filed.document for filed in (draft.texts, draft.places, draft.checkup) if filed]
    for document in shown:
        for path, text in strings(document.data):
            if {"asks", "url"} & {path[0], path[-1]}:
                continue
            for match in _ADDRESS.finditer(text):
                address = (match["linked"] or match["bare"]).rstrip(".,;:!?")
                if "{" in address:
                    continue
                try:
                    web_address(address)
                except ValueError as error:
                    spot = document.inside(path, text, match.start())
                    if match["linked"]:
                        spot = document.inside(path, text, match.start("linked"))
                    fault, _, remedy = str(error).partition("; ")
                    what = f"{path[-1]}: {fault} (it is {address[:60]!r})"
                    if match["linked"]:
                        remedy = "write it as [label](https://…)"
                    yield Finding(
                        document.path, spot.line, spot.column, "link", what, remedy, key=".".join(map(str, path))
                    )  # fmt: skip


def languages_known(draft: Draft) -> Iterator[Finding]:
    """Each sentence in another language stands under the code of that language."""
    for code in draft.texts.form.other_language if draft.texts else ():
        if not re.fullmatch(r"[a-z]{2,3}", code):
            assert draft.texts
            yield draft.texts.document.finding(
                ("other_language", code), "language", f'"{code}" is no code of a language',
                "write the two letters of ISO 639-1, such as de", key=True,
            )  # fmt: skip


def asks_apart(draft: Draft) -> Iterator[Finding]:
    """The same phrasing cannot mean two topics, nor a topic and nothing."""
    seen: dict[str, str] = {}
    for id, topic in draft.topics.items():
        for index, ask in enumerate(topic.form.asks):
            said = " ".join(ask.lower().split())
            if said in seen:
                where = "here already" if seen[said] == id else f'in "{seen[said]}"'
                yield topic.document.finding(
                    ("asks", index), "duplicate-ask", f'asks: "{ask[:50]}" stands {where}', "keep it in one place"
                )
            seen.setdefault(said, id)
    for filed in draft.offtopic:
        for index, message in enumerate(filed.form.messages):
            said = " ".join(message.lower().split())
            if said in seen:
                what = f'"{message[:50]}" is an ask of "{seen[said]}" as well'
                yield filed.document.finding(("messages", index), "duplicate-ask", what, "keep it in one place")


def golden_known(draft: Draft) -> Iterator[Finding]:
    """Golden questions name topics, devices and places that exist."""
    topics = set(draft.topic_ids)
    devices = {device.value for device in Device}
    places = set(draft.places.form.places) if draft.places else None
    for filed in draft.questions:
        for path, id in _topics_named(filed.form):
            if id not in topics:
                remedy, at_key = (
                    did_you_mean(id, topics, "correct the id"),
                    len(path) == 2 and path[0] in {"topics", "short"},
                )
                yield filed.document.finding(
                    path, "unknown-topic", f'the topic "{id}" is not known', remedy, key=at_key
                )
        for index, slot in enumerate(filed.form.slots):
            for key, value, known in (("device", slot.device, devices), ("place", slot.place, places)):
                if value and known is not None and value not in known:
                    remedy = did_you_mean(value, known, f"write the {key} as the file {key}s.yaml names it")
                    yield filed.document.finding(
                        ("slots", index, key), f"unknown-{key}", f'the {key} "{value}" is not known', remedy
                    )  # fmt: skip


def _topics_named(form: QuestionsForm) -> Iterator[tuple[KeyPath, str]]:
    for key, table in (("topics", form.topics), ("short", form.short)):
        for id, items in table.items():
            yield (key, id), id
            for index, item in enumerate(items):
                also = getattr(item, "also", [])
                yield from (((key, id, index, "also", place), other) for place, other in enumerate(also))
    for index, double in enumerate(form.double):
        yield from ((("double", index, "topics"), id) for id in double.topics)
    for index, turn in enumerate(form.followups):
        yield ("followups", index, "first_topic"), turn.first_topic
        yield ("followups", index, "topic"), turn.topic
    yield from ((("slots", index, "topic"), slot.topic) for index, slot in enumerate(form.slots) if slot.topic)


RULES: tuple[Rule, ...] = (
    topic_ids, groups_known, facts_known, sources_known, related_known, places_known, covered_known, devices_known,
    limits_present, links_safe, languages_known, asks_apart, golden_known,
)  # fmt: skip
