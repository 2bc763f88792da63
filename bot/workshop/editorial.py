"""Find what is untidy in the knowledge without being wrong.

Each rule is a function from the draft to its findings. A new rule is a new function in RULES.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator

from rapidfuzz import fuzz

from bot.knowledge.draft import Draft
from bot.knowledge.finding import Finding, Severity
from bot.knowledge.model import Fitted, TopicForm
from bot.knowledge.yaml_text import Document, KeyPath
from bot.workshop import reading

Rule = Callable[[Draft], Iterator[Finding]]
DatedRule = Callable[[Draft, datetime.date], Iterator[Finding]]

ALIKE_TITLES = 85
"""Likeness (rapidfuzz ratio, 0 to 100) from which two titles are mistaken for each other in a list."""

LONGEST_TITLE = 60
LONGEST_ANSWER = 500
LONGEST_MORE = 1200
"""Characters that read well in a chat window; what is longer is paged, not cut."""


def facts_used(draft: Draft) -> Iterator[Finding]:
    """Each fact is used by a topic, a letter or a control of the check-up, or says why not (`unused: …`)."""
    if (
        not draft.facts
        or not draft.checkup
        or draft.topic_ids != set(draft.topics)
        or draft.letter_ids != set(draft.letters)
    ):
        return
    used = {fact for topic in draft.topics.values() for fact in topic.form.facts}
    used |= {fact for letter in draft.letters.values() for fact in letter.form.facts}
    used |= {fact for control in draft.checkup.form.controls for fact in control.facts}
    for index, fact in enumerate(draft.facts.form.facts):
        if fact.id not in used and not fact.unused:
            yield draft.facts.document.finding(
                ("facts", index, "id"), "unused-fact", f"no topic rests on {fact.id}",
                "name it in the facts of a topic, or give the reason in a line unused:", severity=Severity.FINDING,
            )  # fmt: skip


def sources_used(draft: Draft) -> Iterator[Finding]:
    """Each source is cited by a fact."""
    if not draft.sources or not draft.facts:
        return
    used = {source for fact in draft.facts.form.facts for source in fact.sources}
    for index, source in enumerate(draft.sources.form.sources):
        if source.id not in used:
            yield draft.sources.document.finding(
                ("sources", index, "id"), "unused-source", f'no fact cites the source "{source.id}"', "cite it or delete it",
                severity=Severity.FINDING,
            )  # fmt: skip


def texts_short(draft: Draft) -> Iterator[Finding]:
    """Titles, answers and limits stay short enough to read in a chat window."""
    for topic in draft.topics.values():
        form = topic.form
        lengths = [("title", form.title, LONGEST_TITLE), ("answer", form.answer, LONGEST_ANSWER)]
        lengths += [("easy", form.easy or "", LONGEST_ANSWER), ("limits", form.limits or "", LONGEST_ANSWER)]
        lengths += [("more", form.more or "", LONGEST_MORE)]
        for key, text, most in lengths:
            if len(text) > most:
                yield topic.document.finding(
                    (key,), "long-text", f"{key} has {len(text)} characters, more than {most}", "shorten it or move detail to more",
                    key=True, severity=Severity.FINDING,
                )  # fmt: skip


def labels_apart(draft: Draft) -> Iterator[Finding]:
    """No two topics look alike on a button."""
    seen: dict[str, str] = {}
    for id, topic in draft.topics.items():
        label = topic.form.label or topic.form.title
        said = label.casefold()
        if said in seen:
            yield topic.document.finding(
                ("label",), "same-label", f'the label "{label}" is that of "{seen[said]}" as well', "say what is different",
                key=True, severity=Severity.FINDING,
            )  # fmt: skip
        seen.setdefault(said, id)
        if len(label) > 34:
            yield topic.document.finding(
                ("title",), "long-label", f"a button shows only 34 of the title's {len(label)} characters", "add a shorter label:",
                key=True, severity=Severity.FINDING,
            )  # fmt: skip


def titles_apart(draft: Draft) -> Iterator[Finding]:
    """No two titles look so alike that people take one for the other."""
    titles = [(id, topic.form.title) for id, topic in draft.topics.items()]
    for place, (id, title) in enumerate(titles):
        for other, before in titles[:place]:
            if fuzz.ratio(title.casefold(), before.casefold()) >= ALIKE_TITLES:
                yield draft.topics[id].document.finding(
                    ("title",), "like-title", f'the title "{title}" looks like "{before}" of "{other}"', "say what is different",
                    severity=Severity.FINDING,
                )  # fmt: skip


def steps_linked(draft: Draft) -> Iterator[Finding]:
    """Where there are steps, a link leads straight to the page."""
    for topic in draft.topics.values():
        if topic.form.steps and not topic.form.links:
            yield topic.document.finding(
                ("steps",), "no-link", "there are steps, but no link", "add links: with the direct address",
                key=True, severity=Severity.FINDING,
            )  # fmt: skip


def markup_paired(draft: Draft) -> Iterator[Finding]:
    """Bold and links are closed, and only the small Markdown is used; in the text of a letter none is."""
    for document, path, text in _shown(draft):
        key = str(path[-1])
        at = 0
        for line in text.splitlines(keepends=True):
            begins, at = at, at + len(line)
            if path == ("body",) and "**" in line:
                what, remedy = "body: stars stand in the letter as they are", "delete them"
            elif line.count("**") % 2:
                what, remedy = f"{key}: bold is opened and not closed", "write **bold** with two stars on each side"
            elif re.match(r"\s*(#{1,6}\s|\||!\[|<\w+)", line):
                what, remedy = f"{key}: this Markdown is not shown", "use only bold, italics, lists and links"
            else:
                continue
            spot = document.inside(path, text, begins)
            yield Finding(
                document.path, spot.line, spot.column, "markup", what, remedy, key=key, severity=Severity.FINDING
            )


def golden_apart(draft: Draft) -> Iterator[Finding]:
    """No golden question is learned from."""
    learned = {_said(ask): id for id, topic in draft.topics.items() for ask in topic.form.asks}
    learned |= {_said(message): filed.form.kind for filed in draft.offtopic for message in filed.form.messages}
    for filed in draft.questions:
        form = filed.form
        texts: list[tuple[KeyPath, str]] = []
        for key, table in (("topics", form.topics), ("short", form.short)):
            texts += [
                ((key, id, i), getattr(q, "text", str(q))) for id, items in table.items() for i, q in enumerate(items)
            ]
        texts += [
            (("offtopic", kind, i), text) for kind, items in form.offtopic.items() for i, text in enumerate(items)
        ]
        texts += [(("double", i, "text"), double.text) for i, double in enumerate(form.double)]
        for path, text in texts:
            if (where := learned.get(_said(text))) is not None:
                yield filed.document.finding(
                    path, "golden-learned", f'the golden question "{text[:50]}" is learned from in "{where}"',
                    "reword one of the two", severity=Severity.FINDING,
                )  # fmt: skip


def texts_plain(draft: Draft) -> Iterator[Finding]:
    """What people read is readable at about fourteen, and spelt in British English.

    Detail for those who want it, and the letters themselves, may be harder.
    """
    for document, path, text in _shown(draft):
        level = reading.grade(text)
        if path[-1] not in {"more", "body"} and level > reading.HARDEST:
            yield document.finding(
                path, "hard-to-read", f"{path[-1]} reads at grade {level:.0f}, above {reading.HARDEST:.0f}",
                "write shorter sentences and shorter words", key=True, severity=Severity.FINDING,
            )  # fmt: skip
        for at, word in reading.american(text):
            spot = document.inside(path, text, at)
            yield Finding(
                document.path, spot.line, spot.column, "american", f'"{word}" is American spelling',
                "write it in British spelling", key=".".join(map(str, path)), severity=Severity.FINDING,
            )  # fmt: skip


def asks_alike(draft: Draft) -> Iterator[Finding]:
    """No two topics are asked for in the same words, whatever their order."""
    seen: dict[frozenset[str], tuple[str, str]] = {}
    for id, topic in draft.topics.items():
        for index, ask in enumerate(topic.form.asks):
            words = reading.content(ask)
            if len(words) < 2:
                continue
            other = seen.setdefault(words, (id, ask))
            if other[0] != id:
                yield topic.document.finding(
                    ("asks", index), "like-ask", f'"{ask[:50]}" has the words of "{other[1][:50]}" in "{other[0]}"',
                    "keep the one where it belongs, or say what is different", severity=Severity.FINDING,
                )  # fmt: skip


def shown_texts(form: TopicForm) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text of a topic that people read, with its place, overrides included."""
    layers: list[tuple[KeyPath, Fitted]] = [((), form)]
    layers += [(("places", place), fitted) for place, fitted in form.places.items()]
    for path, layer in layers:
        for key in ("answer", "easy", "more", "limits"):
            if text := getattr(layer, key):
                yield (*path, key), text


def _shown(draft: Draft) -> Iterator[tuple[Document, KeyPath, str]]:
    """Yield every text of topics and letters that people read, with its place."""
    for topic in draft.topics.values():
        for path, text in shown_texts(topic.form):
            yield topic.document, path, text
    for letter in draft.letters.values():
        form = letter.form
        texts: list[tuple[KeyPath, str | None]] = [(("why",), form.why), (("enclose",), form.enclose)]
        if form.grounds:
            texts += [(("grounds", "thoughts", index), text) for index, text in enumerate(form.grounds.thoughts)]
            texts.append((("grounds", "warning"), form.grounds.warning))
        texts.append((("body",), form.body))
        yield from ((letter.document, path, text) for path, text in texts if text)


def reviews_due(draft: Draft, today: datetime.date) -> Iterator[Finding]:
    """Each topic and each letter was compared with its sources not too long ago."""
    kept = [("topic", topic.document, topic.form.reviewed, topic.form.due) for topic in draft.topics.values()]
    kept += [("letter", letter.document, letter.form.reviewed, letter.form.due) for letter in draft.letters.values()]
    for noun, document, reviewed, due in kept:
        if today > due:
            yield document.finding(
                ("reviewed",), "overdue", f"the review was due on {due}",
                f"compare the {noun} with its sources and set reviewed: to today",
                key=True, severity=Severity.FINDING, dated=True,
            )  # fmt: skip
        if reviewed > today:
            yield document.finding(
                ("reviewed",), "future-review", f"reviewed lies in the future ({reviewed})",
                "write the day of the last review", key=True, severity=Severity.FINDING, dated=True,
            )  # fmt: skip


def _said(text: str) -> str:
    """Return what is said, without regard to case and punctuation; signs alone say themselves."""
    return " ".join(re.findall(r"\w+", text.lower())) or text.strip()


RULES: tuple[Rule, ...] = (
    facts_used, sources_used, texts_short, labels_apart, titles_apart, steps_linked, markup_paired, golden_apart, texts_plain, asks_alike,
)  # fmt: skip
DATED_RULES: tuple[DatedRule, ...] = (reviews_due,)
