"""Fixtures that all tests share: a small knowledge folder, and a dialogue over it."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest
from telegram_server import TelegramServer
from wire.discord_server import DiscordServer

from bot.app import slots, training
from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.phrases import Phrases
from bot.dialogue.screens import Operator
from bot.dialogue.suggest import Suggestions
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.matching.engine import Engine
from bot.matching.fit import fit
from bot.matching.model import Band, Explanation, Match, Ranked, Training

# How long an example takes says something about the machine and its load, nothing about the code.
hypothesis.settings.register_profile("calm", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("calm")

ROOT = Path(__file__).resolve().parent.parent
TODAY = datetime.date(2026, 11, 25)

SMALL = {
    "groups.yaml": """\
groups:
  - id: opting-out
    title: Opting out
  - id: which-data
    title: Which data
""",
    "facts.yaml": """\
facts:
  - id: F-OPT-01
    statement: The setting is called Data for Generative AI Improvement.
    status: sure
    sources: [help-page, press-report]
    checked: 2026-11-23
  - id: F-DATA-01
    statement: Private messages are not used, says LinkedIn.
    status: contested
    sources: [help-page]
    checked: 2026-11-23
""",
    "sources.yaml": """\
sources:
  - id: press-report
    publisher: The Daily Example
    title: How to switch it off
    date: 2025-10-01
    url: https://news.example.org/off
    kind: press
    copy: true
  - id: help-page
    publisher: LinkedIn Help
    title: Control your data
    date: "2025-09"
    url: https://www.linkedin.com/help/linkedin/answer/a6278444
    kind: official
""",
    "topics/opting-out/opt-out-phone.yaml": """\
title: Turn off AI training on your phone
label: Turn it off on a phone
answer: |
  You can switch it off in the app.
easy: |
  There is a switch. Turn it off.
more: |
  See **the setting** and the [help page](https://www.linkedin.com/help/linkedin/answer/a6278444).

  - one *thing*
  - another
limits: |
  It does not undo earlier training.
steps:
  ios:
    - Open the app on your iPhone.
    - Tap **Settings**.
  android:
    - Open the app on your Android.
    - Tap **Settings**.
places:
  gb:
    answer: |
      In the UK you can switch it off as well.
  eea:
    limits: |
      In the EEA there is an objection form beside it.
    steps:
      ios:
        - Open the app in the EEA.
links:
  - {label: Open the setting, url: "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement"}
related: [private-messages]
facts: [F-OPT-01]
reviewed: 2026-11-01
review_every: 60
asks:
  - how do i switch off the ai thing in the linkedin app
  - turn off ai training iphone
  - android opt out linkedin ai
""",
    "topics/which-data/private-messages.yaml": """\
title: Are private messages used?
answer: |
  LinkedIn says no.
related: [opt-out-phone]
facts: [F-DATA-01]
reviewed: 2026-11-01
asks:
  - are my dms read
  - does linkedin train on private messages
  - inmail used for ai
""",
    "offtopic/near.yaml": """\
kind: near
messages:
  - i forgot my password
  - how much is premium
""",
    "checkup.yaml": """\
controls:
  - id: ai-training
    title: Switch off AI training
    why: It stops your posts from being used from now on.
    topic: opt-out-phone
    facts: [F-OPT-01]
""",
    "questions/golden.yaml": """\
topics:
  opt-out-phone:
    - where is the switch on my handset
    - {text: phone opt out please, also: [private-messages]}
offtopic:
  near: [who bought linkedin]
double:
  - {text: "are dms read and how do i opt out on my phone", topics: [private-messages, opt-out-phone]}
followups:
  - {first: are my dms read, first_topic: private-messages, second: and how do i stop it on my phone, topic: opt-out-phone}
slots:
  - {text: "i live in munich", place: de}
""",
}


def write_knowledge(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write the small knowledge with some files replaced, or left out where the change is None."""
    files: dict[str, str | None] = {**SMALL, **(changes or {})}
    for name in ("texts.yaml", "places.yaml", "devices.yaml"):
        files.setdefault(name, (ROOT / "knowledge" / name).read_text(encoding="utf-8"))
    for name, text in files.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_knowledge(tmp_path / "knowledge")


@pytest.fixture
def small(folder: Path) -> Knowledge:
    return load(folder)


@dataclass
class FakeMatcher:
    """A matcher that says what a test tells it to, by the text that it is asked."""

    says: dict[str, Match] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    apart: list[bool] = field(default_factory=list)

    def match(self, text: str, *, after: str | None = None, apart: bool = False) -> Match:
        self.asked.append((text, after))
        self.apart.append(apart)
        return self.says.get(text, Match(Band.NONE, language="en"))

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        raise NotImplementedError


def sure(*topics: str) -> Match:
    return Match(Band.SURE, tuple(Ranked(topic, 0.9) for topic in topics), (), "en")


@pytest.fixture
def matcher() -> FakeMatcher:
    return FakeMatcher()


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_dialogue(matcher: FakeMatcher, clock: Clock) -> Callable[..., Dialogue]:
    def make(knowledge: Knowledge, today: datetime.date = TODAY, operator: Operator | None = None) -> Dialogue:
        mind = Mind(knowledge, matcher, slots(knowledge), Suggestions(knowledge), Phrases(knowledge.texts))
        return Dialogue(mind, clock=clock, today=lambda: today, operator=operator)

    return make


@pytest.fixture
def dialogue(small: Knowledge, make_dialogue: Callable[..., Dialogue]) -> Dialogue:
    return make_dialogue(small)


@pytest.fixture
def real_folder(tmp_path: Path) -> Path:
    """A copy of the project's own knowledge, free to be broken."""
    return Path(shutil.copytree(ROOT / "knowledge", tmp_path / "real"))


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A local Telegram, which complains about every call that broke its rules."""
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """A local Discord, whose rules nobody may have broken by the end."""
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


ASKS, OTHERS = 12, 60
"""So many of each topic and of each kind make an engine that is quick to fit."""


@pytest.fixture(scope="session")
def all_topics() -> Engine:
    """Return an engine over all topics, with fewer phrasings than are shipped."""
    whole = training(load(ROOT / "knowledge"))
    return Engine(
        fit(
            Training(
                {topic: asks[:ASKS] for topic, asks in whole.topics.items()},
                {kind: texts[:OTHERS] for kind, texts in whole.offtopic.items()},
                whole.related,
            )
        )
    )
