from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from conftest import ROOT, FakeMatcher, write_knowledge
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from telegram_server import entities_of, parse_html

from bot.dialogue import checkup, feedback, guide, letters
from bot.dialogue.answer import answer
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Button, CopyButton, File, Kind, LinkButton, Part, Prompt, Question, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.loader import load
from bot.knowledge.markup import Items, Paragraph, Span, Style, blocks
from bot.knowledge.model import Device, Knowledge
from bot.knowledge.texts import Texts
from bot.matching.model import Band, Match
from bot.platforms.telegram.limits import BUDGET
from bot.platforms.telegram.render import Drawn, pages, render, render_elsewhere
from bot.platforms.telegram.safety import safe, safe_url
from bot.platforms.wording import shortened, units

HOME = "https://t.me/GuideTestBot?start=menu"
TODAY = datetime.date(2026, 11, 25)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Knowledge]:
    """The small knowledge; in a function, since hypothesis writes out what it is given."""
    knowledge = load(write_knowledge(tmp_path_factory.mktemp("small") / "knowledge"))
    return lambda: knowledge


@pytest.fixture
def texts(known: Callable[[], Knowledge]) -> Texts:
    return known().texts


def said(*paragraphs: str, **rest: object) -> Reply:
    section = Section(Part.ANSWER, tuple(Paragraph((Span(text),)) for text in paragraphs))
    return Reply(Kind.ANSWER, "Title", (section,), **rest)  # type: ignore[arg-type]


def codes(drawn: Drawn) -> list[str]:
    return [str(key.callback_data) for row in rows(drawn) for key in row if key.callback_data]


def rows(drawn: Drawn) -> list[list[object]]:
    return [list(row) for row in drawn.keyboard.inline_keyboard] if drawn.keyboard else []


def check(drawn: Drawn) -> str:
    """Hold a message against every limit of Telegram; returns what is shown."""
    shown, tags = parse_html(drawn.html)
    shown.encode("utf-8")
    assert 1 <= units(shown.strip()) <= BUDGET
    assert 1 <= units(drawn.plain.strip()) <= 4096
    assert len(tags) <= 100
    assert {tag for tag, _ in tags} <= {"b", "i", "a", "blockquote", "pre"}
    for tag, href in tags:
        assert (href is not None) == (tag == "a")
        assert href is None or href.startswith("https://")
    for text in (shown, drawn.plain):
        assert not re.search(r"(?<![A-Za-z0-9_])@\w", text), "somebody could be notified"
    keys = [key for row in rows(drawn) for key in row]
    assert len(keys) <= 100
    assert all(1 <= len(row) <= 8 for row in rows(drawn))
    for key in keys:
        assert 1 <= len(key.text.strip()) <= 34
        assert sum(value is not None for value in (key.callback_data, key.url, key.copy_text)) == 1
        assert key.copy_text is None or 1 <= units(key.copy_text.text) <= 256
        assert key.callback_data is None or 1 <= len(key.callback_data.encode()) <= 64
        assert key.url is None or key.url.startswith("https://")
    data = [key.callback_data or key.url or key.copy_text.text for key in keys]
    assert len(data) == len(set(data))
    return shown


# Arbitrary texts.

nasty = st.sampled_from(
    ["<b>", "</b>", "&amp;", "&", "<a href='x'>", '"', "@everyone", "@GuideTestBot", "tg://user?id=1", "\u202e", "\x00",
     "\ud800", "𝕏" * 50, "👩‍👩‍👧‍👦" * 9, "\n\n\n", "שלום עולם ", "مرحبا ", "```", "**", "[x](https://y.z)", "a" * 900, " "]
)  # fmt: skip
text = st.lists(st.one_of(nasty, st.text(max_size=60)), max_size=8).map("".join)
long_text = st.builds(lambda part, times: part * times, text, st.integers(1, 12))
url = st.one_of(
    st.none(),
    st.sampled_from(["https://example.org/a?b=c&d=e#f", "http://example.org", "tg://user?id=1", "javascript:alert(1)",
                     'https://example.org/"><b>', "https://", "https://a@b.example/", "https://exam ple.org", "https://[::1"]),
    text.map(lambda tail: "https://example.org/" + tail),
)  # fmt: skip
span = st.builds(Span, st.one_of(text, long_text), st.sampled_from(Style), url)
line = st.lists(span, max_size=4).map(tuple)
block = st.one_of(
    st.builds(Paragraph, line),
    st.builds(Items, st.lists(line, max_size=6).map(tuple), st.sampled_from([None, 1, 98])),
)
section = st.builds(Section, st.sampled_from(Part), st.lists(block, max_size=3).map(tuple), st.one_of(st.none(), text))
state = st.builds(
    State, st.just(Action.SHOW), st.just("opt-out-phone"), st.sampled_from([None, *Device]),
    st.sampled_from([None, "gb", "us-ca"]), st.integers(0, 63), st.integers(0, 3), st.just("ab"),
)  # fmt: skip
code = st.one_of(state.map(State.encode), st.text(max_size=80))
button = st.one_of(
    st.builds(Button, text, code), st.builds(LinkButton, text, url.map(lambda address: address or "")),
    st.builds(CopyButton, text, st.text(max_size=300)),
)  # fmt: skip
prompt = st.builds(Prompt, code, text, text, text, text, text)
reply = st.builds(
    Reply, st.sampled_from(Kind), text, st.lists(section, max_size=4).map(tuple),
    st.lists(st.lists(button, max_size=45).map(tuple), max_size=4).map(tuple), text, st.one_of(st.none(), state),
    quote=st.text(max_size=500), prompt=st.one_of(st.none(), prompt),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(reply)
def test_no_reply_breaks_a_limit(known: Callable[[], Knowledge], reply: Reply):
    """Whatever stands in the knowledge, the message keeps every limit, is sound HTML and pings nobody."""
    check(render(reply, known().texts))
    elsewhere = render_elsewhere(reply, known().texts, HOME)
    check(elsewhere)
    assert not codes(elsewhere)


@settings(max_examples=80, deadline=None)
@given(long_text)
def test_nothing_is_lost_between_pages(known: Callable[[], Knowledge], words: str):
    """All pages together show the whole text, and each page leads to its neighbours."""
    wanted = "".join(safe(words).split())
    shown = ""
    page, seen = 0, set()
    while page not in seen:
        seen.add(page)
        drawn = render(said(words, state=State(Action.SHOW, "x", step=page)), known().texts)
        whole = check(drawn)
        body = whole.removeprefix("Title").strip()
        shown += "".join(re.sub(r"\n*Page \d+ of \d+$", "", body).split())
        if any(key.text == "More" for row in rows(drawn) for key in row) and page < 63:
            page += 1
    assert wanted.replace("\u2060", "") == shown.replace("\u2060", "") or page == 63


NASTY = "<b>\u202eevil</b> & `code` ``` @everyone\n# not a heading\n\n> nor a quote 🙂 "


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=500))
def test_a_quotation_is_read_back_as_it_was_shown(known: Callable[[], Knowledge], words: str):
    """What stands in the quotation of a message are the person's own words, whatever they wrote."""
    drawn = render(Reply(Kind.NONE, "Title", said("x").sections, quote=words), known().texts)
    check(drawn)
    shown = parse_html(drawn.html)[0]
    (entity,) = entities_of(drawn.html)
    raw = shown.encode("utf-16-le")[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])]
    assert raw.decode("utf-16-le").replace("\u2060", "") == " ".join(safe(words).replace("\u2060", "").split())


def test_a_letter_is_text_to_copy(texts: Texts):
    """A letter keeps its lines, stands as a whole, and nothing in it is markup."""
    letter = Section(Part.LETTER, (Paragraph((Span("To whom\nit concerns"),)), Paragraph((Span(NASTY),))))
    drawn = render(Reply(Kind.SCREEN, "Letter", (letter,)), texts)
    shown = check(drawn)
    assert "To whom\nit concerns\n\n" in shown
    assert [entity["type"] for entity in entities_of(drawn.html)] == ["pre"]
    assert "<b>evil</b>" in shown


def test_a_prompt_opens_the_reply_field_and_ends_in_its_line(texts: Texts):
    """What asks for words has no buttons, and its last line tells what the answer is for."""
    asks = Prompt("v1:writ:x:", "Write", "Form", "Grounds", "h" * 90, "Letter: Objection · Place: France")
    drawn = render(replace(said("Please write."), prompt=asks, footer="foot"), texts)
    assert drawn.field
    assert len(drawn.field.input_field_placeholder) <= 64
    assert check(drawn).endswith("\nLetter: Objection · Place: France")


def test_a_screen_that_leads_to_words_keeps_its_buttons(texts: Texts):
    """A screen with a state has a button that leads to the question, and opens no reply field of its own."""
    asks = Prompt("v1:writ:x:", "Write it", "Form", "Grounds", "hint", "Letter: Objection")
    drawn = render(said("Thoughts.", prompt=asks, state=State(Action.LETTER, "x")), texts)
    assert drawn.field is None
    assert [key.text for row in rows(drawn) for key in row] == ["Write it"]
    assert "Letter: Objection" not in check(drawn)


def test_a_letter_that_does_not_fit_is_left_to_its_file(texts: Texts):
    """Half a letter would be taken for a whole one; only where its file cannot be had, it ends visibly."""
    letter = Section(Part.LETTER, (Paragraph((Span("word " * 1000),)),), "Subject")
    whole = Reply(Kind.SCREEN, "Letter", (*said("To them.").sections, letter), files=(File("letter.txt", b"x"),))
    shown = check(render(whole, texts))
    assert texts.telegram.in_file in shown
    assert pages(whole, texts) > 1
    assert "To them." in shown
    assert "word" not in shown
    assert check(render(replace(whole, files=()), texts)).endswith("…")


def test_what_was_typed_can_be_deleted(texts: Texts):
    """The button stands above the one that leads to the menu."""
    menu = (Button("All subjects", State(Action.MENU).encode()),)
    drawn = render(Reply(Kind.SCREEN, "Letter", (), (menu,), erase=State(Action.ERASE).encode()), texts)
    assert [key.text for row in rows(drawn) for key in row] == ["Delete what I typed", "All subjects"]


@settings(max_examples=100, deadline=None)
@given(text)
def test_what_is_written_is_shown_as_it_is_written(known: Callable[[], Knowledge], words: str):
    """Markup characters in a text are characters, not markup."""
    drawn = render(Reply(Kind.ANSWER, "", (Section(Part.ANSWER, (Paragraph((Span(words),)),)),)), known().texts)
    if safe(words).strip() and units(words) < 3000:
        shown, tags = parse_html(drawn.html)
        assert shown == safe(words).strip()
        assert not tags


# By hand.


def test_pings_are_taken_away_and_addresses_kept():
    """A name behind an @ notifies nobody; an e-mail address can still be copied."""
    assert safe("ask @ada or @@ben or mail privacy@linkedin.com") == (
        "ask @\u2060ada or @@\u2060ben or mail privacy@linkedin.com"
    )
    assert safe("at the end @") == "at the end @\u2060"


@pytest.mark.parametrize(
    "url",
    ["http://a.example", "tg://user?id=1", "https://", "https://a b.example", "https://me@a.example", "https://localhost",
     'https://a.example/"', "https://a.example/\n", "https://[::1", "https://a.example:99999/", "", None, "https://a.example/" + "x" * 3000],
)  # fmt: skip
def test_only_sound_web_addresses_become_links(url: str | None):
    """What Telegram would refuse, or follow elsewhere than to the web, is no link."""
    assert safe_url(url) is None


def test_markup_is_drawn(texts: Texts):
    """Headings, styles, lists and links become what Telegram has for them."""
    sections = (
        Section(
            Part.ANSWER,
            blocks("Tap **Save & go** or *not*.\n\n- one\n- [two](https://example.org/?a=1&b=2)"),
            "Do <it>",
        ),
        Section(Part.STEPS, (Items(((Span("first"),), (Span("second"),)), 1),)),
    )
    drawn = render(Reply(Kind.ANSWER, "A & B", sections, footer="Checked"), texts)
    assert drawn.html == (
        "<b>A &amp; B</b>\n\n<b>Do &lt;it&gt;</b>\nTap <b>Save &amp; go</b> or <i>not</i>.\n\n"
        '• one\n• <a href="https://example.org/?a=1&amp;b=2">two</a>\n\n1. first\n2. second\n\n<i>Checked</i>'
    )
    assert drawn.plain == (
        "A & B\n\nDo <it>\nTap Save & go or not.\n\n• one\n• two (https://example.org/?a=1&b=2)\n\n1. first\n2. second\n\nChecked"
    )


def test_short_buttons_share_a_row(texts: Texts):
    """Two short labels stand side by side, a long one alone; groups are not mixed."""
    row = (
        Button("iPhone", "v1:a::"),
        Button("Android", "v1:b::"),
        Button("Where do you live, then?", "v1:c::"),
        Button("x", "v1:d::"),
    )
    drawn = render(said("x", rows=(row, (Button("Menu", "v1:menu::"),))), texts)
    assert [[key.text for key in row] for row in rows(drawn)] == [
        ["iPhone", "Android"],
        ["Where do you live, then?"],
        ["x"],
        ["Menu"],
    ]


def test_too_many_buttons_keep_the_menu(texts: Texts):
    """Beyond a hundred buttons some of a long list are left out, never the way to the menu."""
    many = tuple(Button(f"Topic number {n} of all", f"v1:show:t{n}:") for n in range(150))
    drawn = render(said("x", rows=(many, (Button("Menu", "v1:menu::"),))), texts)
    assert sum(map(len, rows(drawn))) == 100
    assert codes(drawn)[-1] == "v1:menu::"


def test_the_same_button_is_shown_once(texts: Texts):
    """Of two buttons that do the same the first stays; a code or address that Telegram refuses is left out."""
    row = (
        Button("One", "v1:menu::"),
        Button("Two", "v1:menu::"),
        Button("", "v1:help::"),
        Button("Long", "x" * 65),
        LinkButton("Bad", "http://a.example"),
    )
    assert [key.text for row in rows(render(said("x", rows=(row,)), texts)) for key in row] == ["One"]


def test_pages_are_told_and_turned(texts: Texts):
    """Each page has the title, its number and the ways back and on; a page beyond the last is the last."""
    words = [f"Paragraph {n}. " * 40 for n in range(20)]
    first = render(said(*words, state=State(Action.SHOW, "x", check="ab")), texts)
    assert "Page 1 of" in first.html
    assert [key.text for key in rows(first)[0]] == ["More"]
    middle = render(said(*words, state=State(Action.SHOW, "x", step=1, check="ab")), texts)
    assert [key.text for key in rows(middle)[0]] == ["Back", "More"]
    last = render(said(*words, state=State(Action.SHOW, "x", step=63, check="ab")), texts)
    assert [key.text for key in rows(last)[0]] == ["Back"]
    assert all(check(page).startswith("Title") for page in (first, middle, last))


def test_a_reply_without_pages_ends_visibly(texts: Texts):
    """What cannot be turned over ends in …, where it does not fit."""
    assert check(render(said("word " * 2000), texts)).endswith("…")


def test_an_empty_reply_says_something(texts: Texts):
    """Telegram refuses a message without text, so there is always one."""
    assert check(render(Reply(Kind.NONE, " \x00 "), texts))


def test_lengths_count_as_telegram_counts():
    """Characters beyond the basic plane count twice, and are never cut in halves."""
    assert units("a𝕏") == 3
    assert shortened("𝕏𝕏𝕏", 4) == "𝕏…"
    assert shortened("abc", 3) == "abc"


def test_elsewhere_all_buttons_are_links(texts: Texts):
    """In inline mode nothing is pressed: links of the topic, and the way to our private chat."""
    row = (LinkButton("Open the setting", "https://www.linkedin.com/x"), Button("iPhone", "v1:a::"))
    drawn = render_elsewhere(said("x", rows=(row,)), texts, HOME)
    assert [key.url for row in rows(drawn) for key in row] == ["https://www.linkedin.com/x", HOME]


# Real replies.


@pytest.mark.parametrize("name", ["answer", "fitted", "easy", "sources"])
def test_replies_look_like_this(name: str, dialogue: Dialogue, small: Knowledge, snapshot: SnapshotAssertion):
    """How replies look in Telegram; a change is looked at before it is taken over."""
    states = {
        "answer": State(Action.SHOW, "opt-out-phone"),
        "fitted": State(Action.SHOW, "opt-out-phone", Device.IOS, "de"),
        "easy": State(Action.SHOW, "opt-out-phone", marks=1),
        "sources": State(Action.SOURCES, "opt-out-phone"),
    }
    drawn = render(dialogue.show(states[name]), small.texts)
    check(drawn)
    buttons = [" | ".join(f"[{key.text}]({key.callback_data or key.url})" for key in row) for row in rows(drawn)]
    assert "\n".join([drawn.html, "", *buttons]) == snapshot


@pytest.mark.parametrize("action", [Action.START, Action.HELP, Action.ABOUT, Action.PRIVACY, Action.MENU])
def test_screens_keep_the_limits(action: Action, dialogue: Dialogue, small: Knowledge):
    """The bot's own screens fit one message each."""
    check(render(dialogue.show(State(action)), small.texts))


@pytest.mark.parametrize("name", ["none", "no_text", "failed", "choices"])
def test_refusals_keep_the_limits(name: str, dialogue: Dialogue, matcher: FakeMatcher, small: Knowledge):
    """So do the replies that answer nothing."""
    matcher.says["hm"] = Match(Band.CHOICES, (), ("opt-out-phone", "private-messages"), "en")
    replies = {
        "none": lambda: dialogue.ask(Question("what is the weather")),
        "no_text": dialogue.no_text,
        "failed": lambda: dialogue.failed("abc123"),
        "choices": lambda: dialogue.ask(Question("hm")),
    }
    assert check(render(replies[name](), small.texts))


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(text.filter(lambda words: bool(words.strip()) and "\ud800" not in words), min_size=5, max_size=5),
    device=st.sampled_from([None, *Device]),
    place=st.sampled_from([None, "gb", "de", "us-ca"]),
    step=st.integers(0, 63),
)
def test_no_topic_breaks_a_limit(
    known: Callable[[], Knowledge], words: list[str], device: Device | None, place: str | None, step: int
):
    """Topics of arbitrary text, for every device and place, through the dialogue's own layout."""
    topic = known().topics["opt-out-phone"]  # type: ignore[index]
    changes = {"title": words[4], "answer": words[0], "easy": words[1], "more": words[2] * 30, "limits": words[3] * 20}
    changed = replace(topic, form=topic.form.model_copy(update=changes))
    knowledge = replace(known(), topics={**known().topics, topic.id: changed})
    check(render(answer(knowledge, State(Action.SHOW, topic.id, device, place, step), TODAY), knowledge.texts))


# Everything that the project's own knowledge can give.

PLACES = (None, "fr", "us-ca")


@pytest.fixture(scope="module")
def real() -> Knowledge:
    return load(ROOT / "knowledge")


def guides(knowledge: Knowledge) -> Iterator[Reply | None]:
    for topic in knowledge.topics.values():
        for place in PLACES:
            for device, steps in guide.steps_of(knowledge, topic, place).items():
                for step in range(len(steps) + 1):
                    yield guide.show(knowledge, State(Action.GUIDE, topic.id, device, place, step), TODAY)
                for branch in guide.Branch:
                    yield guide.show(knowledge, State(Action.GUIDE, topic.id, device, place, branch=branch), TODAY)


def test_guides_keep_the_limits(real: Knowledge):
    """Every step and every way round it, for each device, is a message that Telegram takes."""
    replies = list(filter(None, guides(real)))
    assert len(replies) > 200
    for reply in replies:
        assert rows(render(reply, real.texts))
        check(render(reply, real.texts))


def test_check_ups_keep_the_limits(real: Knowledge):
    """Every control, its guide, the summary with any marks, and the files are messages that Telegram takes."""
    chance = random.Random(7)
    for place in (None, *checkup.REGIONS):
        controls = guide.controls_of(real, place)
        for step in range(len(controls) + 2):
            for marks in (0, 2**24 - 1, chance.randrange(2**24), chance.randrange(2**24)):
                reply = checkup.show(real, State(Action.CHECKUP, "", Device.IOS, place, step, marks), TODAY)
                assert reply
                check(render(reply, real.texts))
        for control in controls:
            opened = checkup.show_guide(real, State(Action.CHECKUP_GUIDE, control.id, Device.IOS, place), TODAY)
            assert opened
            check(render(opened, real.texts))


def test_letters_keep_the_limits_whatever_people_write(real: Knowledge):
    """Every letter stands whole in one message, with the longest words that are taken and the worst among them."""
    worst = [
        words * (letters.MOST_GROUNDS // units(words)) for words in (NASTY, "@a ", "<", "&", "🙂", "a\n\n", "]}`[{")
    ]
    for letter in real.letters.values():
        for number, place in enumerate(real.places):
            state = State(Action.LETTER, letter.id, place=place)
            if not letters.usable(real, state):
                continue
            for shown in (state, replace(state, branch=letters.WRITTEN, marks=2500)):
                reply = letters.show(real, shown, TODAY)
                assert reply
                check(render(reply, real.texts))
            if letter.form.grounds:
                words = worst[number % len(worst)]
                reply = letters.submitted(real, replace(state, action=Action.WRITE), TODAY, words)
                assert reply
                whole = check(render(reply, real.texts))
                assert [entity["type"] for entity in entities_of(render(reply, real.texts).html)] == ["pre"]
                assert real.texts.telegram.in_file not in whole


def test_prompts_are_read_at_a_glance(real: Knowledge):
    """What asks for words takes at most sixty words itself, what is too much of them too."""
    for letter in real.letters.values():
        if letter.form.grounds:
            state = State(Action.WRITE, letter.id, place=letter.form.places[0])
            for reply in (
                letters.show(real, state, TODAY),
                letters.submitted(real, state, TODAY, "x" * 1001),
                letters.submitted(real, state, TODAY, " "),
            ):
                assert reply
                drawn = render(reply, real.texts)
                assert drawn.field
                assert len(re.findall(r"\S*\w\S*", check(drawn))) <= 60


class Kept(feedback.NoneKept):
    """A ledger that takes everything."""

    takes_messages = True

    def receipt(self) -> str:
        return "r" * 26

    def keep(self, text: str, receipt: str) -> bool:
        return bool(text and receipt)


@settings(max_examples=30, deadline=None)
@given(words=text.map(lambda words: words * 4))
def test_feedback_keeps_the_limits(known: Callable[[], Knowledge], words: str):
    """What people can say about an answer, the preview and the receipt are messages that Telegram takes."""
    knowledge, ledger = known(), Kept()
    state = State(Action.SHOW, "opt-out-phone", Device.IOS, "de")
    answered = answer(knowledge, state, TODAY)
    sent = State(Action.SEND, ledger.receipt())
    for reply in (
        feedback.with_feedback(knowledge, ledger, answered, words),
        feedback.rated(knowledge, ledger, replace(state, action=Action.DIDNT), answered, words),
        feedback.preview(knowledge, ledger, words),
        feedback.send(knowledge, ledger, sent, words),
        feedback.withdraw(knowledge, ledger, replace(sent, action=Action.WITHDRAW)),
        feedback.preview(knowledge, feedback.NONE_KEPT, words),
    ):
        check(render(reply, knowledge.texts))
