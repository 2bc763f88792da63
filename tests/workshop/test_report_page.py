from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from bot.workshop.comparing import moves
from bot.workshop.figures import Answer, Judged, Question, Set, calibration, measure, risk_coverage
from bot.workshop.report import report
from bot.workshop.report_page import report_page
from bot.workshop.webpage import STYLE


def one(text: str, expected: str | None, topic: str | None, score: float = 0.9) -> Judged:
    set = Set.IN_SCOPE if expected else Set.OFF_TOPIC
    kind = "" if expected else "near"
    return Judged(
        Question(text, set, (expected,) if expected else (), kind=kind),
        Answer(((topic, score),) if topic else (), ms=1.0),
    )


JUDGED = [
    one("are dms read", "dms", "dms", 0.95),
    one("my <b>messages</b>", "dms", "data", 0.65),
    one("phone please", "phone", None),
    one("weather", None, "data", 0.55),
    one("pizza", None, None),
]


class Page(HTMLParser):
    """Collects what a page holds, and fails on a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone():
    """Nothing is loaded from anywhere and nothing is run; what people typed is shown as text."""
    before = [*JUDGED[:2], one("phone please", "phone", "phone"), *JUDGED[3:]]
    page = report_page(
        "Golden <questions>", measure(JUDGED), JUDGED, compared=("main", measure(before), moves(before, JUDGED))
    )
    found = Page(page)
    names = {tag for tag, _ in found.tags}
    assert {"html", "main", "table", "svg", "polyline"} <= names
    assert not names & {"script", "link", "img", "iframe", "object", "form"}
    assert not [
        attributes
        for _, attributes in found.tags
        if {"src", "href"} & attributes.keys() and attributes.get("href") != "#main"
    ]
    assert "my &lt;b&gt;messages" in page
    assert "<title>Golden &lt;questions&gt;</title>" in page
    assert "http" not in page
    assert "url(" not in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_shows_what_the_terminal_shows_and_more():
    """Figures with floors, moves, calibration, the confused pair with its question, and what was missed."""
    before = [*JUDGED[:2], one("phone please", "phone", "phone"), *JUDGED[3:]]
    page = report_page("Golden", measure(JUDGED), JUDGED, compared=("main", measure(before), moves(before, JUDGED)))
    assert "This edit moved 1 question (1 worse)." in page
    for told in (
        "in-scope, answered rightly",
        "under its floor",
        "Risk against coverage",
        "my &lt;b&gt;messages",
        "phone please",
        "weather",
    ):
        assert told in page
    assert "60 % of all messages are answered, 66.7 % of these wrongly" in page


def test_questions_that_are_held_back_are_not_shown():
    """Without examples the page and the terminal hold figures only."""
    page = report_page("Held back", measure(JUDGED), JUDGED, examples=False)
    out = io.StringIO()
    Console(file=out, width=120).print(report(measure(JUDGED), JUDGED, examples=False))
    for text in (page, out.getvalue()):
        assert "data" in text
        assert "dms" in text
        assert not [
            one for one in ("dms read", "messages</b>", "messages&lt;", "phone please", "weather") if one in text
        ]


def test_an_empty_run_is_a_page_as_well():
    """Without any answer there is no curve and no confusion, and no fault."""
    assert Page(report_page("None", measure([]), [])).tags


def test_risk_grows_from_the_surest_answer_on():
    """Coverage counts all messages, also those without an answer; an answered off-topic message is wrong."""
    points = risk_coverage(JUDGED)
    assert points == [pytest.approx((0.2, 0.0)), pytest.approx((0.4, 0.5)), pytest.approx((0.6, 2 / 3))]
    assert risk_coverage([]) == []


def test_calibration_bins_only_what_was_answered():
    """Each bin has its mean score and its share of right answers."""
    bins = calibration(JUDGED)
    assert [(one.count, one.score, one.right) for one in bins] == [(1, 0.55, 0.0), (1, 0.65, 0.0), (1, 0.95, 1.0)]


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_of_text_can_be_read_in_light_and_dark():
    """Text has a contrast of at least 4.5 to 1 on both grounds (WCAG 2.2, 1.4.3)."""
    themes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in re.findall(r":root \{([^}]*)\}", STYLE)[:2]
    ]
    assert len(themes) == 2
    for theme in themes:
        for ground in ("paper", "tint"):
            for name in ("ink", "soft", "link", "good", "bad", "mark"):
                light, dark = sorted((_luminance(theme[ground]), _luminance(theme[name])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)
