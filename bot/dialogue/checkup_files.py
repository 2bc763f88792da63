"""Write a check-up out as files that a person can keep: plain text, and a page for printing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bot.dialogue.answer import named, spelled, steps_for
from bot.dialogue.model import File
from bot.knowledge.checkup import ControlForm
from bot.knowledge.markup import spans
from bot.knowledge.model import Device, Knowledge, PlaceId, TopicId

NAME = "linkedin-check-up"

_CSS = """\
body { font: 12pt/1.45 Georgia, serif; color: #111; background: #fff; max-width: 42em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin-bottom: 0.2em }
h2 { font-size: 1.1em; margin: 1.4em 0 0.2em }
p { margin: 0.3em 0 }
ol { margin: 0.3em 0; padding-left: 1.6em }
section { break-inside: avoid }
.note { color: #444; font-size: 0.9em }
@page { margin: 18mm }
@media print { body { margin: 0; max-width: none; padding: 0 } }
"""

Marked = Sequence[tuple[ControlForm, str]]
"""Controls, each with what was said of it: open, done, not_for_me or later."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A control as both files show it."""

    sign: str
    title: str
    said: str
    why: str
    steps: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def checkup_files(
    knowledge: Knowledge, marked: Marked, device: Device | None, place: str | None, today: datetime.date
) -> tuple[File, File]:
    """Return the check-up as plain text with the addresses of the settings, and as one page of HTML.

    The page is for paper: it loads nothing and links to nothing. Both name neither the person nor anything that was
    typed.
    """
    texts = knowledge.texts.checkup
    told = texts.file_intro.format(date=spelled(today))
    if place:
        told += " " + texts.file_place.format(place=named(knowledge.places[PlaceId(place)].name))
    entries = [_entry(knowledge, control, mark, device, place) for control, mark in marked]
    text = "\r\n".join(_lines(knowledge, told, entries)) + "\r\n"
    page = "\n".join(_page(knowledge, told, entries)) + "\n"
    return (
        File(f"{NAME}.txt", text.encode()),
        File(f"{NAME}.html", page.encode(), "text/html; charset=utf-8"),
    )


def _entry(knowledge: Knowledge, control: ControlForm, mark: str, device: Device | None, place: str | None) -> _Entry:
    texts = knowledge.texts.checkup
    fit = knowledge.topics[TopicId(control.topic)].fit(knowledge.chain(PlaceId(place) if place else None))
    said = {"done": texts.heading_done, "not_for_me": texts.heading_not_for_me}.get(mark, texts.heading_left)
    # Steps are of use only for what is not done yet, and only where it is known for which device.
    _, steps = steps_for(fit, device) if said == texts.heading_left else (None, ())
    links = tuple((link.label, link.url) for link in fit.links)
    sign = {"done": "[x]", "not_for_me": "[-]"}.get(mark, "[ ]")
    return _Entry(sign, control.title, said, _bare(control.why), tuple(_bare(step) for step in steps), links)


def _lines(knowledge: Knowledge, told: str, entries: Sequence[_Entry]) -> Iterator[str]:
    texts = knowledge.texts
    yield from (texts.checkup.file_title, "=" * len(texts.checkup.file_title), "", told, "")
    for entry in entries:
        yield f"{entry.sign} {entry.title} ({entry.said})"
        yield f"    {entry.why}"
        yield from (f"    {number}. {step}" for number, step in enumerate(entry.steps, 1))
        yield from (f"    {label}: {url}" for label, url in entry.links)
        yield ""
    yield from (_bare(texts.guide.limits.text), "", texts.disclaimer)


def _page(knowledge: Knowledge, told: str, entries: Sequence[_Entry]) -> Iterator[str]:
    texts = knowledge.texts
    title = escape(texts.checkup.file_title)
    yield '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>\n{_CSS}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{escape(told)}</p>"
    for entry in entries:
        yield f"<section>\n<h2>{escape(f'{entry.sign} {entry.title}')}</h2>"
        yield f'<p class="note">{escape(entry.said)}</p>\n<p>{escape(entry.why)}</p>'
        if entry.steps:
            yield "<ol>" + "".join(f"<li>{escape(step)}</li>" for step in entry.steps) + "</ol>"
        for label, url in entry.links:
            # To be typed from the paper, where nothing can be pressed.
            yield f'<p class="note">{escape(label)}: {escape(url.removeprefix("https://"))}</p>'
        yield "</section>"
    yield f"<h2>{escape(texts.headings.limits)}</h2>\n<p>{escape(_bare(texts.guide.limits.text))}</p>"
    yield f'<p class="note">{escape(texts.disclaimer)}</p>\n</body>\n</html>'


def _bare(text: str) -> str:
    """Return a text without markup, on one line."""
    return " ".join("".join(span.text for span in spans(text)).split())
