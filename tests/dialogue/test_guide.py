from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, FakeMatcher, sure, write_knowledge

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.glance import MOST_WORDS, words_on
from bot.dialogue.guide import Branch, steps_of
from bot.dialogue.model import Button, Kind, LinkButton, Part, Question, Reply
from bot.dialogue.state import MAX_BYTES, Action, State, decode
from bot.knowledge.loader import load
from bot.knowledge.model import Device, Knowledge, Topic
from bot.platforms.discord.render import pages as discord_pages
from bot.platforms.telegram.render import pages as telegram_pages

PLACES = (None, "gb", "de", "us", "ch")
FLOW = {Action.GUIDE, Action.CHECKUP, Action.CHECKUP_GUIDE}
PHONE = "topics/opting-out/opt-out-phone.yaml"


@pytest.fixture(scope="module")
def real() -> Knowledge:
    return load(ROOT / "knowledge")


def keys(reply: Reply) -> dict[str, str]:
    return {key.label: key.code for row in reply.rows for key in row if isinstance(key, Button)}


def read(reply: Reply) -> str:
    return repr(reply.sections)


def heading(reply: Reply) -> str | None:
    return next((section.heading for section in reply.sections if section.part is Part.STEPS), None)


def begin(dialogue: Dialogue, topic: str, device: Device | None, place: str | None = None, **more: int) -> Reply:
    return dialogue.press(State(Action.GUIDE, topic, device, place, **more).encode())


def guided(knowledge: Knowledge) -> Iterator[tuple[Topic, str | None, Device]]:
    for topic in knowledge.topics.values():
        for place in dict.fromkeys((*PLACES, *(id for id, form in topic.form.places.items() if form.steps))):
            for device in steps_of(knowledge, topic, place):
                yield topic, place, device


def test_the_guide_goes_step_by_step_and_back(dialogue: Dialogue):
    """Next and Back go through the steps of one's device, with a line that tells how far one is."""
    first = begin(dialogue, "opt-out-phone", Device.ANDROID)
    assert heading(first) == "Step 1 of 2"
    assert "Open the app on your Android." in read(first)
    second = dialogue.press(keys(first)["Next"])
    assert heading(second) == "Step 2 of 2"
    assert "Settings" in read(second)
    assert dialogue.press(keys(second)["Back"]) == first
    answer = dialogue.press(keys(first)["Back to the answer"])
    assert (answer.kind, answer.device) == (Kind.ANSWER, Device.ANDROID)


def test_the_guide_begins_with_the_device_where_none_is_known(dialogue: Dialogue):
    """Without a device the guide asks for it, only for those that have steps, and keeps the place."""
    asked = begin(dialogue, "opt-out-phone", None, "de")
    assert list(keys(asked))[:2] == ["iPhone or iPad", "Android phone or tablet"]
    assert "Computer" not in keys(asked)
    pressed = dialogue.press(keys(asked)["iPhone or iPad"])
    assert "Open the app in the EEA." in read(pressed)
    assert (pressed.device, pressed.place) == (Device.IOS, "de")


def test_a_device_without_steps_is_told_so(dialogue: Dialogue):
    """Whoever uses a device for which there are no steps is asked for another one."""
    reply = begin(dialogue, "opt-out-phone", Device.DESKTOP)
    assert reply.title == "Please use another device"
    assert "Android phone or tablet" in keys(reply)


def test_the_command_leads_to_the_first_control_with_steps(dialogue: Dialogue):
    """Without a topic the guide is that of what has the greatest effect."""
    asked = dialogue.press(State(Action.GUIDE).encode())
    reply = dialogue.press(keys(asked)["Android phone or tablet"])
    assert reply.title == "Turn off AI training on your phone"
    known = dialogue.press(State(Action.GUIDE, "", Device.IOS).encode())
    assert heading(known) == "Step 1 of 2"


def test_only_answers_with_steps_lead_to_the_guide(dialogue: Dialogue, matcher: FakeMatcher):
    """The button under an answer opens the guide with the device and place of the question."""
    matcher.says["stop it on my android in germany"] = sure("opt-out-phone")
    reply = dialogue.ask(Question("stop it on my android in germany"))
    state = decode(keys(reply)["Show me step by step"])
    assert state == State(Action.GUIDE, "opt-out-phone", Device.ANDROID, "de")
    without = dialogue.topic("private-messages")
    assert without
    assert "Show me step by step" not in keys(without)


def test_the_last_screen_says_what_the_steps_do_not_do(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """The end of the way out names earlier training, other AI, ads and other settings, and offers what comes next."""
    dialogue = make_dialogue(real)
    reply = begin(dialogue, "opt-out-overview", Device.ANDROID, "fr", step=63)
    for word in ("earlier training", "AI that does not create content", "Ads", "other settings"):
        assert word in read(reply)
    actions = {state.action for code in keys(reply).values() if (state := decode(code))}
    assert {Action.LETTER, Action.GUIDE, Action.CHECKUP, Action.MENU} <= actions


def test_every_guide_ends_with_its_limits(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """No guide ends without a word on what it does not do."""
    dialogue = make_dialogue(real)
    for topic, place, device in guided(real):
        reply = begin(dialogue, topic.id, device, place, step=63)
        assert [section.part for section in reply.sections if section.part is Part.LIMITS], (topic.id, place)


def test_a_letter_is_offered_where_one_is_written(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """The letter offered asks for own grounds and can be used in the place; without a place it is the list."""
    dialogue = make_dialogue(real)
    for place in (*PLACES[1:], "fr", "no"):
        reply = begin(dialogue, "opt-out-overview", Device.IOS, place, step=63)
        offered = [state for code in keys(reply).values() if (state := decode(code)) and state.action is Action.LETTER]
        assert offered, place
        for state in offered:
            # In the United States only a part of the country has letters, so the list asks where one lives.
            assert state.place == (None if place == "us" else place)
            if state.topic:
                form = real.letters[state.topic].form
                assert form.grounds
                assert set(form.places) & set(real.chain(place))  # type: ignore[arg-type]
    unknown = begin(dialogue, "opt-out-overview", Device.IOS, None, step=63)
    assert decode(keys(unknown)["Letters under your rights"]) == State(Action.LETTER, "", Device.IOS)


def test_what_is_not_there_ends_in_something_that_works(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Each case of "It isn't there" has the direct link, the objection form, and the way back to the same step."""
    dialogue = make_dialogue(real)
    step = begin(dialogue, "opt-out-overview", Device.ANDROID, "fr", step=3)
    choice = dialogue.press(keys(step)["It isn't there"])
    cases = [label for label, code in keys(choice).items() if (state := decode(code)) and state.branch > Branch.MISSING]
    assert len(cases) == 7
    for label in cases:
        reply = dialogue.press(keys(choice)[label])
        if "Which device" in reply.title:
            continue
        links = [key.url for row in reply.rows for key in row if isinstance(key, LinkButton)]
        assert "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement" in links
        form = decode(keys(reply)["The objection form"])
        assert form == State(Action.GUIDE, "objection-form", Device.ANDROID, "fr")
        assert dialogue.press(keys(reply)["Back to the step"]) == step


def test_an_old_app_is_no_matter_of_a_computer(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Whoever sits at a computer is not told to update an app."""
    choice = begin(make_dialogue(real), "opt-out-overview", Device.DESKTOP, branch=Branch.MISSING)
    assert real.texts.guide.app.label not in keys(choice)


def test_other_guides_know_one_case(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Away from the AI switch "It isn't there" leads to another device and to LinkedIn, and says nothing of the switch."""
    dialogue = make_dialogue(real)
    step = begin(dialogue, "hibernate-account", Device.IOS, step=1)
    reply = dialogue.press(keys(step)["It isn't there"])
    assert reply.title == real.texts.guide.other.title
    assert {"Another device", "Back to the step", "Contact LinkedIn about privacy"} <= set(keys(reply))


def test_a_place_is_asked_for_only_where_steps_differ(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """The place is a button, never an obstacle, and only in a guide whose steps differ from place to place."""
    dialogue = make_dialogue(real)
    assert "Where do you live?" not in keys(begin(dialogue, "opt-out-overview", Device.IOS))
    ads = begin(dialogue, "ads-data-sharing", Device.IOS)
    assert heading(ads) == "Step 1 of 5"
    asked = dialogue.press(keys(ads)["Where do you live?"])
    fitted = dialogue.press(keys(asked)["Switzerland"])
    assert (heading(fitted), fitted.place) == ("Step 1 of 3", "ch")
    assert "Where do you live?" not in keys(fitted)
    assert dialogue.press(keys(asked)["Somewhere else"]) == ads


def test_changed_steps_are_told_and_start_again(tmp_path: Path, make_dialogue: Callable[..., Dialogue]):
    """Whoever presses Next after the steps have changed starts again and is told why; before the first step nobody is."""
    before = make_dialogue(load(write_knowledge(tmp_path / "before")))
    first = begin(before, "opt-out-phone", Device.ANDROID)
    changed = SMALL[PHONE].replace("Open the app on your Android.", "Open LinkedIn on your Android.")
    after = make_dialogue(load(write_knowledge(tmp_path / "after", {PHONE: changed})))
    reply = after.press(keys(first)["Next"])
    assert heading(reply) == "Step 1 of 2"
    assert "has changed" in read(reply)
    assert "has changed" not in read(begin(after, "opt-out-phone", Device.ANDROID))
    assert "has changed" not in read(after.press(keys(reply)["Next"]))


def test_an_overdue_guide_says_so_at_its_first_step(small: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Past its review the guide tells at the first step that it is due for a check; on the last day it does not."""
    last = datetime.date(2026, 12, 31)
    late = make_dialogue(small, last + datetime.timedelta(days=1))
    first = begin(late, "opt-out-phone", Device.IOS)
    assert "due for a check" in first.footer
    assert late.press(keys(first)["Next"]).footer == ""
    assert begin(make_dialogue(small, last), "opt-out-phone", Device.IOS).footer == ""


def test_a_guide_whose_topic_is_gone_is_too_old(dialogue: Dialogue):
    """A button of a topic that has gone, or that has no steps, is kindly too old."""
    for topic in ("nothing-here", "private-messages"):
        assert begin(dialogue, topic, Device.IOS).kind is Kind.FAULT


def test_a_way_that_nobody_offered_shows_the_step(dialogue: Dialogue):
    """A branch that a later version may know is the step itself for this one."""
    assert heading(begin(dialogue, "opt-out-phone", Device.IOS, branch=200)) == "Step 1 of 2"


def test_the_facts_of_the_guide_are_known(real: Knowledge):
    """What the guide claims rests on facts that exist."""
    told = [getattr(real.texts.guide, name) for name in type(real.texts.guide).model_fields]
    facts = {fact for text in told for fact in getattr(text, "facts", ())}
    assert facts
    assert facts <= set(real.facts)


def test_every_screen_is_short_fits_and_leads_somewhere(real: Knowledge, make_dialogue: Callable[..., Dialogue]):
    """Pressing everything in every guide and check-up finds no dead end, no long screen and no second page."""
    dialogue = make_dialogue(real)
    queue = deque(State(Action.GUIDE, topic.id, device, place) for topic, place, device in guided(real))
    queue += [State(Action.GUIDE), State(Action.CHECKUP)]
    seen = set(queue)
    drawn: set[object] = set()
    elsewhere: set[str] = set()
    while queue:
        state = queue.popleft()
        reply = dialogue.show(state)
        assert reply, state
        assert reply.private, state
        # A control without steps shows its topic's whole answer.
        flow = reply.kind is not Kind.ANSWER
        assert not flow or words_on(reply) <= MOST_WORDS, (state, words_on(reply))
        look = (reply.title, reply.sections, tuple(keys(reply)))
        if look not in drawn:
            drawn.add(look)
            assert discord_pages(reply, real.texts) == telegram_pages(reply, real.texts) == 1, state
            assert all(len(key.label) <= 34 for row in reply.rows for key in row if flow), state
        buttons = keys(reply)
        assert buttons, state
        for code in buttons.values():
            assert len(code.encode()) <= MAX_BYTES
            to = decode(code)
            assert to, code
            if to.action in FLOW:
                # What was said of other controls changes no way; without it the screens can be counted.
                to = State(to.action, to.topic, to.device, to.place, to.step, 0, to.check, to.branch)
                if to not in seen:
                    seen.add(to)
                    queue.append(to)
            elif code not in elsewhere:
                elsewhere.add(code)
                assert dialogue.press(code).kind is not Kind.FAULT, code


@pytest.mark.parametrize("topic", ["opt-out-phone", "opt-out-overview"])
def test_from_lyon_to_the_letter(
    topic: str, real: Knowledge, make_dialogue: Callable[..., Dialogue], matcher: FakeMatcher
):
    """From the answer on an Android in Lyon it takes at most eight screens to what asks for the letter's grounds."""
    dialogue = make_dialogue(real)
    asked = "i'm in lyon, how do i stop this on my android"
    matcher.says[asked] = sure(topic)
    reply = dialogue.ask(Question(asked))
    assert (reply.device, reply.place) == (Device.ANDROID, "fr")
    reply = dialogue.press(keys(reply)["Show me step by step"])
    screens = 1
    while "Next" in keys(reply) or "I have done it" in keys(reply):
        reply = dialogue.press(keys(reply).get("Next") or keys(reply)["I have done it"])
        screens += 1
    letter = next(code for code in keys(reply).values() if (state := decode(code)) and state.action is Action.LETTER)
    reply = dialogue.press(letter)
    screens += 1
    assert reply.prompt
    asking = dialogue.press(reply.prompt.code)
    assert asking.prompt
    # The last one is that in which the words are asked for, where a platform has no form of its own.
    assert screens + 1 <= 8
    written = dialogue.submit(asking.prompt.code, "My posts are about my patients.")
    assert {file.name.rsplit(".")[-1] for file in written.files} == {"txt", "ics"}
