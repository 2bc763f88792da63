from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, write_knowledge

from bot.dialogue.checkup import ELSEWHERE, Mark, mark_of, with_mark
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.glance import MOST_WORDS, words_on
from bot.dialogue.guide import controls_of
from bot.dialogue.model import Button, Kind, Part, Reply
from bot.dialogue.state import MAX_BYTES, Action, State, decode
from bot.knowledge.checkup import MOST_CONTROLS
from bot.knowledge.loader import load
from bot.knowledge.model import Device, Knowledge
from bot.platforms.discord.render import pages as discord_pages
from bot.platforms.telegram.render import pages as telegram_pages

TWO = """\
controls:
  - id: ai-training
    title: Switch off AI training
    why: It stops your posts from being used from now on.
    topic: opt-out-phone
    facts: [F-OPT-01]
  - id: messages
    title: Look at your messages
    why: LinkedIn says that it does not use them.
    topic: private-messages
    not_in: [gb]
    facts: [F-DATA-01]
"""


@pytest.fixture(scope="module")
def real() -> Knowledge:
    return load(ROOT / "knowledge")


@pytest.fixture
def two(tmp_path: Path, make_dialogue: Callable[..., Dialogue]) -> Dialogue:
    return make_dialogue(load(write_knowledge(tmp_path / "two", {"checkup.yaml": TWO})))


def keys(reply: Reply) -> dict[str, str]:
    return {key.label: key.code for row in reply.rows for key in row if isinstance(key, Button)}


def read(reply: Reply) -> str:
    return repr(reply.sections)


def begin(dialogue: Dialogue, place: str | None = "de", device: Device | None = None) -> Reply:
    return dialogue.press(State(Action.CHECKUP, "", device, place).encode())


def test_marks_of_controls_do_not_touch_each_other():
    """Each control has two bits of its own, and another answer replaces the first."""
    marks = 0
    for index in range(MOST_CONTROLS):
        marks = with_mark(marks, index, Mark.LATER)
    marks = with_mark(with_mark(marks, 3, Mark.DONE), 11, Mark.NOT_FOR_ME)
    assert [mark_of(marks, index) for index in (2, 3, 4, 11)] == [Mark.LATER, Mark.DONE, Mark.LATER, Mark.NOT_FOR_ME]
    assert State(Action.CHECKUP, "", Device.DESKTOP, "us-ca", 13, marks, "zz", 1) == decode(
        State(Action.CHECKUP, "", Device.DESKTOP, "us-ca", 13, marks, "zz", 1).encode()
    )


def test_the_place_is_asked_for_first_and_can_be_passed_over(two: Dialogue):
    """Without a place the check-up asks for it; "Somewhere else" goes on, and it is not asked again."""
    asked = begin(two, None, Device.IOS)
    assert {"EU or EEA", "United Kingdom", "Somewhere else"} <= set(keys(asked))
    passed = two.press(keys(asked)["Somewhere else"])
    assert (passed.title, passed.place, passed.device) == ("Switch off AI training", None, Device.IOS)
    second = two.press(keys(passed)["Later"])
    assert second.title == "Look at your messages"
    assert two.press(keys(second)["Back"]).title == "Switch off AI training"
    assert two.press(keys(asked)["EU or EEA"]).place == "eea"
    assert two.press(keys(passed)["Another place"]) == asked


def test_a_known_place_is_not_asked_for(two: Dialogue):
    """Whoever said where they live begins with the first control, and only with those of the place."""
    assert "1 of 2 · 0 done" in read(begin(two, "de"))
    assert "1 of 1 · 0 done" in read(begin(two, "gb"))


def test_what_was_said_is_counted_and_summed_up(two: Dialogue):
    """Done and Not for me stand in the summary, Later is a button back, and changing one's mind counts."""
    first = begin(two)
    second = two.press(keys(first)["Done"])
    assert "2 of 2 · 1 done" in read(second)
    end = two.press(keys(second)["Later"])
    assert end.title == "Your check-up"
    assert [section.heading for section in end.sections] == ["Done", None]
    assert "Switch off AI training" in read(end)
    again = two.press(keys(end)["Look at your messages"])
    end = two.press(keys(again)["Not for me"])
    assert [section.heading for section in end.sections] == ["Done", "Not for you", None]
    assert "Nothing is left" in read(end)
    assert "Look at your messages" not in keys(end)


def test_one_can_finish_early(two: Dialogue):
    """What nobody has said anything of is left, not lost."""
    end = two.press(keys(begin(two))["Finish now"])
    assert {"Switch off AI training", "Look at your messages", "Keep this list"} <= set(keys(end))


def test_the_guide_of_a_control_comes_back_with_it_done(two: Dialogue):
    """Each screen of the guide leads back to the control, the last one to the next control, and marks it done."""
    first = begin(two)
    asked = two.press(keys(first)["Show me how"])
    assert two.press(keys(asked)["Back to the check-up"]).title == "Switch off AI training"
    step = two.press(keys(asked)["Android phone or tablet"])
    assert "Open the app on your Android." in read(step)
    back = two.press(keys(step)["Back to the check-up"])
    assert (back.title, back.device) == ("Switch off AI training", Device.ANDROID)
    missing = two.press(keys(step)["It isn't there"])
    assert {"Back to the step", "Back to the check-up"} <= set(keys(missing))
    last = two.press(keys(step)["Next"])
    after = two.press(keys(last)["Done, next one"])
    assert after.title == "Look at your messages"
    assert "2 of 2 · 1 done" in read(after)


def test_a_control_without_steps_shows_its_answer(two: Dialogue):
    """Where a topic has no steps the button shows its answer, with the way back first and what was said kept."""
    second = two.press(keys(begin(two))["Done"])
    answer = two.press(keys(second)["Show me how"])
    assert answer.title == "Are private messages used?"
    assert answer.private
    assert list(keys(answer))[:2] == ["Done, next one", "Back to the check-up"]
    assert "2 of 2 · 1 done" in read(two.press(keys(answer)["Back to the check-up"]))
    assert "Nothing is left" in read(two.press(keys(answer)["Done, next one"]))


def test_the_list_can_be_kept(two: Dialogue):
    """Text and page hold each control with what was said of it, the steps of what is left, and the day."""
    end = two.press(keys(two.press(keys(begin(two, "de", Device.ANDROID))["Later"]))["Done"])
    kept = two.press(keys(end)["Keep this list"])
    text, page = kept.files
    assert (text.name, page.name) == ("linkedin-check-up.txt", "linkedin-check-up.html")
    written = text.content.decode()
    assert "[ ] Switch off AI training (Left for later)" in written
    assert "1. Open the app on your Android." in written
    assert "[x] Look at your messages (Done)" in written
    assert "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement" in written
    assert "25 November 2026" in written
    assert "Germany" in written
    assert two.press(keys(kept)["Back to the list"]) == end


def test_the_page_loads_nothing(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """The page for printing is whole in itself: well-formed, with rules for paper, no script and no address to load."""
    reply = make_dialogue(real).show(State(Action.CHECKUP, "", Device.IOS, "us", len(controls_of(real, "us")) + 1))
    assert reply
    page = reply.files[1].content.decode()
    assert "@media print" in page
    assert not re.search(r"<script|<link|<img|<a\b|src=|url\(|@import|https?:", page)
    assert "linkedin.com/mypreferences/d/settings/data-for-ai-improvement" in page
    for tag in ("html", "head", "body", "style", "section", "h1", "h2", "p", "ol", "li"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_markup_in_the_knowledge_is_text_in_the_page(tmp_path: Path, make_dialogue: Callable[..., Dialogue]):
    """What stands in angle brackets in a text is shown, not obeyed."""
    text = TWO.replace("LinkedIn says", "<script>alert(1)</script> LinkedIn & co. say")
    dialogue = make_dialogue(load(write_knowledge(tmp_path / "odd", {"checkup.yaml": text})))
    reply = dialogue.show(State(Action.CHECKUP, "", None, "de", 3))
    assert reply
    page = reply.files[1].content.decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; LinkedIn &amp; co." in page


def test_a_changed_list_is_told_and_starts_again(
    two: Dialogue, small: Knowledge, make_dialogue: Callable[..., Dialogue]
):
    """When a control has come or gone, the marks would stand for others, so the check-up starts again and says so."""
    second = two.press(keys(begin(two))["Done"])
    after = make_dialogue(small)
    reply = after.press(keys(second)["Later"])
    assert (reply.title, "0 done" in read(reply), "has changed" in read(reply)) == (
        "Switch off AI training",
        True,
        True,
    )
    guide = after.press(keys(begin(two, "de", Device.IOS))["Show me how"])
    assert "has changed" in read(guide)
    assert "1 of 1 · 0 done" in read(after.press(keys(guide)["Back to the check-up"]))


def test_a_control_that_is_gone_is_too_old(two: Dialogue, small: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """The guide of a control that no longer stands in the list, or not for this place, is kindly too old."""
    second = two.press(keys(begin(two))["Done"])
    assert make_dialogue(small).press(keys(second)["Show me how"]).kind is Kind.FAULT
    code = State(Action.CHECKUP_GUIDE, "messages", None, "gb").encode()
    assert two.press(code).kind is Kind.FAULT


def test_every_place_has_a_short_check_up(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Everywhere the check-up begins with the AI switch and ends with a summary of at most sixty words on one page."""
    dialogue = make_dialogue(real)
    done = sum(1 << 2 * index for index in range(MOST_CONTROLS))
    for place in (None, *real.places):
        controls = controls_of(real, place)
        assert controls[0].id == "ai-training"
        assert len(controls) <= MOST_CONTROLS
        branch = 0 if place else ELSEWHERE
        for marks in (0, done, done << 1, done * 3, 0b0110_1101_1001_1110_0111):
            state = State(Action.CHECKUP, "", Device.MOBILE_WEB, place, len(controls), marks, branch=branch)
            reply = dialogue.show(state)
            assert reply
            assert words_on(reply) <= MOST_WORDS, (place, marks)
            assert all(len(code.encode()) <= MAX_BYTES for code in keys(reply).values())
            if place in {None, "gb", "de", "us", "ch"}:
                assert discord_pages(reply, real.texts) == telegram_pages(reply, real.texts) == 1


def test_the_summary_offers_a_letter_where_there_is_one(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """After the settings come people's rights: the summary leads to the letter of the place."""
    reply = make_dialogue(real).show(State(Action.CHECKUP, "", None, "fr", len(controls_of(real, "fr"))))
    assert reply
    letter = [state for code in keys(reply).values() if (state := decode(code)) and state.action is Action.LETTER]
    assert len(letter) == 1
    assert real.letters[letter[0].topic].form.grounds


def test_what_matters_differs_from_place_to_place(real: Knowledge):
    """Each place has exactly one control for ads: the one that is true there."""
    ads = {
        place: [c.id for c in controls_of(real, place) if c.topic == "ads-data-sharing"]
        for place in (None, *real.places)
    }
    assert ads["gb"] == ["ads-uk"]
    assert ads["fr"] == ads["ch"] == ads["no"] == ["ads-europe"]
    assert ads["us"] == ads["ca"] == ads[None] == ["ads-affiliates"]
    assert all(len(found) == 1 for found in ads.values())


def test_screens_are_for_one_person(two: Dialogue):
    """No screen of the check-up is shown to others, and each is of one part that people read."""
    reply = begin(two)
    assert reply.private
    assert [section.part for section in reply.sections] == [Part.NOTE, Part.ANSWER]
