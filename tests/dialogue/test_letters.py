from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, TODAY, write_knowledge
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from replies import buttons, text_of
from sample_letters import LETTERS

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.glance import words_on
from bot.dialogue.letter_list import COUNTRIES
from bot.dialogue.letters import MOST_GROUNDS, WRITTEN, submitted
from bot.dialogue.model import CopyButton, File, Kind, LinkButton, Part, Reply
from bot.dialogue.state import Action, State, decode
from bot.dialogue.typed import cleaned, length
from bot.dialogue.written import sent_on
from bot.knowledge.letters import Letter
from bot.knowledge.loader import load
from bot.knowledge.markup import Paragraph
from bot.knowledge.model import Device, Knowledge, PlaceId
from bot.platforms.discord.render import pages as discord_pages
from bot.platforms.discord.render import render as render_discord
from bot.platforms.telegram.render import pages as telegram_pages
from bot.platforms.telegram.render import render as render_telegram

NASTY = "**b** _i_ `c` ```d``` <b>&amp;</b> [x](https://evil.example) @everyone <@1> {date} \\ 🤷\u200d♀️ עברית العربية\n# h\n> q\n- l\n"
WORDS = (NASTY, "Grund. ", "🤷\u200d♀️", "&<>", "``` ", "\\_*")
OTHERS = (State(Action.MENU).encode(), State(Action.LETTER, "objection", place="fr").encode())
MAKE_DIALOGUE = Callable[..., Dialogue]


@pytest.fixture(scope="session")
def lettered(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return load(write_knowledge(tmp_path_factory.mktemp("knowledge"), LETTERS))


@pytest.fixture
def talk(lettered: Knowledge, make_dialogue: MAKE_DIALOGUE) -> Dialogue:
    return make_dialogue(lettered)


def body(reply: Reply) -> str:
    """Return the letter of a reply as it is copied."""
    (section,) = (section for section in reply.sections if section.part is Part.LETTER)
    parts = []
    for block in section.blocks:
        assert isinstance(block, Paragraph)
        assert len(block.line) == 1
        parts.append(block.line[0].text)
    return "\n\n".join(parts)


def file(reply: Reply, end: str) -> File:
    (found,) = (file for file in reply.files if file.name.endswith(end))
    return found


def shown(dialogue: Dialogue, state: State) -> Reply:
    reply = dialogue.press(state.encode())
    assert reply.kind is not Kind.FAULT, text_of(reply)
    return reply


def write(place: str = "fr", id: str = "objection") -> str:
    return State(Action.WRITE, id, Device.ANDROID, place).encode()


def long(text: str) -> str:
    """Return as much of a text, again and again, as a prompt takes."""
    return text * ((MOST_GROUNDS - 1) // length(text)) + "x"


def test_from_nowhere_to_a_letter(talk: Dialogue):
    """Who has not said where they live is asked for the region, the country and the letter, in this order."""
    where = shown(talk, State(Action.LETTER, device=Device.ANDROID))
    assert where.private
    assert list(buttons(where))[:2] == ["EU or EEA", "California"]
    countries = talk.press(buttons(where)["EU or EEA"])
    assert "Austria" in buttons(countries)
    more = talk.press(buttons(countries)["More"])
    both = {**buttons(countries), **buttons(more)}
    assert {"France", "Norway", "Ireland", "Sweden"} <= set(both)
    assert not {"United Kingdom", "Switzerland", "European Union", "European Economic Area"} & set(both)
    assert max(len(buttons(countries)), len(buttons(more))) <= 25
    choice = talk.press(both["France"])
    assert choice.title == "Letters for France"
    assert list(buttons(choice)) == [
        "Object to AI training",
        "Complain to the authority",
        "Another place",
        "All subjects",
    ]
    letter = talk.press(buttons(choice)["Object to AI training"])
    assert letter.title == "Objection (Article 21)"
    assert "LinkedIn Ireland Unlimited Company, Dublin" in text_of(letter)
    assert "A bare sentence may not suffice." in text_of(letter)
    assert letter.private
    assert (letter.device, letter.place) == (Device.ANDROID, "fr")
    assert letter.prompt
    assert letter.prompt.code == write()
    asked = talk.press(write())
    assert asked.prompt == letter.prompt
    for screen in (where, countries, more, choice, letter, asked):
        assert screen.private
        assert words_on(screen) <= 60


def test_a_place_that_is_known_is_not_asked_for_again(talk: Dialogue):
    """Who has said where they live comes to its letters at once, and can still change the place."""
    choice = shown(talk, State(Action.LETTER, place="de"))
    assert choice.title == "Letters for Germany"
    again = talk.press(buttons(choice)["Another place"])
    assert "Switzerland" in buttons(again)


def test_another_country_of_europe_keeps_what_holds_for_all(talk: Dialogue):
    """Who finds no country of theirs gets the letters of the whole EEA, with a gap for the authority's name."""
    countries = shown(talk, State(Action.LETTER, branch=COUNTRIES, step=1))
    choice = talk.press(buttons(countries)["EU or EEA, another country"])
    assert choice.place == "eea"
    complaint = shown(talk, State(Action.LETTER, "complaint", place="eea", branch=WRITTEN))
    assert body(complaint).startswith("[name of your data protection authority]")
    assert "square brackets" in text_of(complaint)


def test_a_page_of_countries_that_is_none_is_the_first(talk: Dialogue):
    """A button to a page that is there no more shows the first one."""
    first = shown(talk, State(Action.LETTER, branch=COUNTRIES))
    assert shown(talk, State(Action.LETTER, branch=COUNTRIES, step=63)) == first


def test_places_without_a_letter_are_told_so(talk: Dialogue):
    """A place that no letter is for leads on: another place, the menu."""
    india = shown(talk, State(Action.LETTER, place="in"))
    assert "No letter for India" in india.title
    assert {"Another place", "All subjects"} <= set(buttons(india))
    where = shown(talk, State(Action.LETTER))
    elsewhere = talk.press(buttons(where)["Somewhere else"])
    assert "No letter" in elsewhere.title
    assert {"Another place", "All subjects"} <= set(buttons(elsewhere))


def test_own_words_stand_in_the_letter_as_typed(talk: Dialogue):
    """What a person writes goes into body and file, and no placeholder in it is filled in."""
    reply = talk.submit(write(), "  I am a nurse {date}.\nI *know* `patients`.  ")
    assert reply.kind is Kind.SCREEN
    assert "My grounds are:\n\nI am a nurse {date}.\nI *know* `patients`.\n\nPlease" in body(reply)
    assert "LinkedIn Ireland Unlimited Company, Dublin\n25 November 2026" in body(reply)
    assert "Please answer by 25 December 2026." in body(reply)
    assert reply.private
    assert reply.state is None
    state = decode(reply.erase or "")
    assert state
    assert state.action is Action.ERASE
    written = file(reply, ".txt")
    assert written.name == "objection.txt"
    text = written.content.decode()
    assert text.startswith("Subject: Objection of 25 November 2026\r\n\r\nLinkedIn Ireland")
    assert "I am a nurse {date}.\r\nI *know* `patients`." in text
    assert "\n" not in text.replace("\r\n", "")


def test_what_stands_around_a_letter(talk: Dialogue):
    """To whom, by which page, what to enclose, by when, what is to be filled in, and that it is no legal advice."""
    reply = talk.submit(write(), "I am a nurse.")
    text = text_of(reply)
    for told in (
        "To: LinkedIn Ireland",
        "Send a copy of your ID only if they ask for it.",
        "Answer due by: 25 December 2026",
        "until 25 February 2027",
        "[square brackets]",
        "in the files",
        "This is not legal advice.",
        "Sources checked on 1 November 2026",
    ):
        assert told in text, told
    keys = [key for row in reply.rows for key in row]
    assert LinkButton("Open the objection form", "https://www.linkedin.com/help/linkedin/ask/TS-DPRO") in keys
    assert CopyButton("Copy the subject", "Objection of 25 November 2026") in keys
    assert {"No answer came", "All letters", "All subjects"} <= set(buttons(reply))


def test_brackets_that_a_person_types_are_no_gaps(tmp_path: Path, make_dialogue: MAKE_DIALOGUE):
    """Only what the letter itself leaves open is to be filled in, also where the words hold brackets."""
    path = "letters/objection.yaml"
    whole = (LETTERS[path] or "").replace("  [your name]\n  [address of your profile]\n", "")
    talk = make_dialogue(load(write_knowledge(tmp_path / "knowledge", {**LETTERS, path: whole})))
    assert "square brackets" not in text_of(talk.submit(write(), "I [am] a nurse."))
    assert "square brackets" in text_of(shown(talk, State(Action.LETTER, "objection", place="fr", branch=WRITTEN)))


def test_a_letter_with_a_gap_needs_nothing_typed(talk: Dialogue, lettered: Knowledge):
    """A button gives the letter with a blank for the grounds; nothing was typed, so nothing is there to delete."""
    screen = shown(talk, State(Action.LETTER, "objection", place="fr"))
    reply = talk.press(buttons(screen)["Leave a gap for my words"])
    assert "[your own words]" in body(reply)
    assert reply.erase is None
    assert reply.files


def test_a_letter_without_grounds_asks_for_nothing(talk: Dialogue):
    """Where no grounds are needed there is no prompt, and the letter is one press away."""
    screen = shown(talk, State(Action.LETTER, "complaint", place="ie"))
    assert screen.prompt is None
    assert "Data Protection Commission (DPC)" in text_of(screen)
    reply = talk.press(buttons(screen)["Make the letter"])
    assert body(reply).startswith("Data Protection Commission (DPC)\n\nI complain about LinkedIn Ireland")
    assert LinkButton("Page of the authority", "https://www.dataprotection.ie") in [
        k for row in reply.rows for k in row
    ]
    assert [file.name for file in reply.files] == ["complaint.txt"]
    assert "in the file." in text_of(reply)
    assert talk.prompt(State(Action.WRITE, "complaint", place="ie").encode()) is None


def test_nothing_and_too_much_are_asked_for_again(talk: Dialogue):
    """An empty text and one that is too long bring a kind reply that counts, and the same prompt once more."""
    for text in ("", " \n ", "\u202e\u200b", "\x00\x07"):
        reply = talk.submit(write(), text)
        assert reply.kind is Kind.FAULT
        assert reply.title == "Nothing was written"
        assert reply.prompt
        assert reply.prompt.code == write()
        assert not reply.files
    reply = talk.submit(write(), "x" * 1_001)
    assert reply.kind is Kind.FAULT
    assert "1001 characters" in text_of(reply)
    assert "at most 1000" in text_of(reply)
    assert reply.prompt
    assert reply.erase
    assert "xxx" not in text_of(reply)
    assert talk.submit(write(), "x" * 1_000).kind is Kind.SCREEN
    assert talk.submit(write(), "🤷" * 501).kind is Kind.FAULT


def test_what_steers_a_screen_is_left_out(talk: Dialogue):
    """Control characters and marks that turn the writing direction are gone; letters of any script stay."""
    reply = talk.submit(write(), "a\u202eb\x07c\r\nd\u2066\tעברית 🤷\u200d♀️\ud800\n\n\n\ne")
    assert "abc\nd עברית 🤷\u200d♀️\n\ne" in body(reply)


@pytest.fixture(scope="session")
def drawn(lettered: Knowledge) -> Callable[[str], Reply]:
    def draw(words: str) -> Reply:
        reply = submitted(lettered, State(Action.WRITE, "objection", place="fr"), TODAY, words)
        assert reply
        assert render_telegram(reply, lettered.texts).html
        assert all(render_discord(reply, lettered.texts).payload()["embeds"])
        return reply

    return draw


@given(words=st.text(max_size=1_200))
def test_whatever_is_typed_is_written_or_kindly_refused(drawn: Callable[[str], Reply], words: str):
    """Any text gives a letter that every program can read and both platforms draw, or a kind word on why not."""
    reply = drawn(words)
    if reply.kind is Kind.FAULT:
        assert reply.prompt
        assert not reply.files
        return
    written = file(reply, ".txt").content.decode()
    assert cleaned(words).replace("\n", "\r\n") in written
    assert not set(written) & set("\x00\x07\x1b\u202e\u2066\u2028")
    assert "\n" not in written.replace("\r\n", "")


def test_the_line_of_a_prompt_leads_back_to_it(talk: Dialogue, lettered: Knowledge):
    """For every letter with grounds and every place, what people see names the prompt that it was for."""
    for place in lettered.places:
        code = State(Action.WRITE, "objection", place=place).encode()
        prompt = talk.prompt(code)
        if prompt:
            assert talk.prompted(f"  {prompt.line} ") == code
            assert talk.prompted(prompt.line.replace(".", ".\u200b")) == code
    prompt = talk.prompt(write("fr"))
    assert prompt
    assert prompt.line == "Letter: Objection (Article 21) · Place: France"
    for line in (
        "",
        "Letter: Objection (Article 21)",
        "Letter: Objection (Article 21) · Place: Brazil",
        "Place: France",
    ):
        assert talk.prompted(line) is None


def test_an_old_prompt_is_kindly_refused(talk: Dialogue):
    """A prompt whose letter is gone, or that is none, gets the reply for what is too old."""
    for code in ("", "v1:writ::", write("br"), write(id="gone"), write(id="complaint"), *OTHERS):
        reply = talk.submit(code, "secret words")
        assert reply.kind is Kind.FAULT
        assert "secret" not in text_of(reply)
        assert buttons(reply)


def test_the_follow_up_names_the_day_of_the_first_letter(lettered: Knowledge, make_dialogue: MAKE_DIALOGUE):
    """The button "No answer came", pressed weeks later and after a restart, writes a letter with the day of the first one."""
    first = make_dialogue(lettered, datetime.date(2026, 11, 28)).submit(write(), "I am a nurse.")
    later = make_dialogue(lettered, datetime.date(2027, 1, 4))
    screen = later.press(buttons(first)["No answer came"])
    assert screen.title == "Reminder"
    reply = later.press(buttons(screen)["Make the letter"])
    assert "I wrote to you on 28 November 2026" in body(reply)
    assert "Subject: My letter of 28 November 2026" in text_of(reply)
    assert "18 January 2027" in text_of(reply)
    then = decode(buttons(reply)["No answer came"])
    assert then
    assert (then.topic, then.marks) == ("complaint", sent_on(datetime.date(2027, 1, 4)))


def test_a_follow_up_without_a_day_leaves_a_gap(talk: Dialogue):
    """Who comes to the reminder by another way fills in the day; days that no calendar knows are none."""
    for marks in (0, 2**24 - 1):
        reply = shown(talk, State(Action.LETTER, "reminder", place="fr", branch=WRITTEN, marks=marks))
        assert "[date of my first letter]" in body(reply)


def test_the_calendar_file_is_read_back(talk: Dialogue, lettered: Knowledge):
    """Two whole days, each with a reminder at nine three days before, and ids that name nobody and stay the same."""

    def calendar_of(place: str, today: datetime.date) -> bytes:
        reply = submitted(lettered, State(Action.WRITE, "objection", place=place), today, "I am a nurse.")
        assert reply
        return file(reply, ".ics").content

    content, tomorrow = calendar_of("fr", TODAY), TODAY + datetime.timedelta(days=1)
    calendar = Calendar.from_ical(content)
    assert str(calendar["prodid"])
    assert str(calendar["version"]) == "2.0"
    events = calendar.walk("VEVENT")
    days = [datetime.date(2026, 12, 25), datetime.date(2027, 2, 25)]
    assert [event.decoded("dtstart") for event in events] == days
    assert [event.decoded("dtend") - event.decoded("dtstart") for event in events] == [datetime.timedelta(days=1)] * 2
    assert {event.decoded("dtstamp").date() for event in events} == {TODAY}
    assert "no answer came" in str(events[0]["description"])
    for event in events:
        (alarm,) = event.walk("VALARM")
        assert alarm.decoded("trigger") == datetime.timedelta(days=-3, hours=9)
    assert len({str(event["uid"]) for event in events}) == 2
    assert file(talk.submit(write(), "Something else."), ".ics").content == content
    others = {str(event["uid"]) for event in Calendar.from_ical(calendar_of("de", TODAY)).walk("VEVENT")}
    others |= {str(event["uid"]) for event in Calendar.from_ical(calendar_of("fr", tomorrow)).walk("VEVENT")}
    assert not others & {str(event["uid"]) for event in events}
    assert len(others) == 4
    assert b"nurse" not in content
    assert content.endswith(b"END:VCALENDAR\r\n")


def test_what_was_typed_is_in_the_letter_and_nowhere_else(
    talk: Dialogue, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    """No code, no calendar, no other field, no log and no memory holds a word of it once the reply is gone."""
    caplog.set_level(logging.DEBUG)
    word = "Zyxwvut"
    reply = talk.submit(write(), f"I am {word}.")
    others = [section for section in reply.sections if section.part is not Part.LETTER]
    for part in (
        others,
        reply.rows,
        reply.footer,
        reply.title,
        reply.quote,
        reply.erase,
        file(reply, ".ics"),
        reply.prompt,
    ):
        assert word not in repr(part)
    assert word in body(reply)
    assert word not in caplog.text
    assert word not in "".join(capsys.readouterr())
    del reply
    for state in (State(Action.LETTER, "objection", place="fr"), State(Action.LETTER, place="fr")):
        assert word not in repr(talk.press(state.encode()))
    assert word not in repr(vars(talk))


REAL = sorted(path.stem for path in (ROOT / "knowledge" / "letters").glob("*.yaml"))


@pytest.fixture(scope="session")
def real() -> Knowledge:
    return load(ROOT / "knowledge")


def places_of(knowledge: Knowledge, letter: Letter) -> list[PlaceId]:
    """Return the places of a letter, one for each company and authority that it can go to."""
    places = [id for id in knowledge.places if not set(letter.form.places).isdisjoint(knowledge.chain(id))]
    found = {(repr(knowledge.regulator_of(id)), knowledge.controller_of(id)): id for id in places}
    return list(found.values())


@pytest.mark.parametrize("id", REAL)
def test_every_letter_fits_one_message_with_the_longest_words(id: str, real: Knowledge, make_dialogue: MAKE_DIALOGUE):
    """Each letter of the knowledge, to all whom it can go to, is one message on both platforms, whatever was typed."""
    talk = make_dialogue(real)
    letter = real.letters[id]
    for place in places_of(real, letter):
        replies = [shown(talk, State(Action.LETTER, id, place=place, branch=WRITTEN))]
        assert not set("{}") & set(body(replies[0]))
        if letter.form.grounds:
            code = State(Action.WRITE, id, place=place).encode()
            replies += [talk.submit(code, long(words)) for words in WORDS]
        for reply in replies:
            assert reply.kind is Kind.SCREEN
            assert telegram_pages(reply, real.texts) == 1, (place, body(reply))
            assert discord_pages(reply, real.texts) == 1, (place, body(reply))


@pytest.mark.parametrize("id", REAL)
def test_every_screen_before_a_letter_is_short(id: str, real: Knowledge, make_dialogue: MAKE_DIALOGUE):
    """At most sixty words stand on a screen before the letter, and every button of it leads somewhere."""
    talk = make_dialogue(real)
    letter = real.letters[id]
    for place in places_of(real, letter):
        assert letter in real.letters_in(PlaceId(place)) or not letter.form.listed
        reply = shown(talk, State(Action.LETTER, id, place=place))
        assert words_on(reply) <= 60, (place, text_of(reply))
        for code in buttons(reply).values():
            assert talk.press(code).kind is not Kind.FAULT


@pytest.mark.parametrize(
    ("place", "to"), [(None, None), ("de", "de"), ("us", None), ("us-ca", "us-ca"), ("jp", "nowhere")]
)
def test_an_answer_that_a_letter_helps_leads_to_the_letters(
    make_dialogue: MAKE_DIALOGUE, place: str | None, to: str | None
):
    """It leads to those for the place, to the question for it where a part of the place has some, and else nowhere."""
    talk = make_dialogue(load(ROOT / "knowledge"))
    shown = talk.show(State(Action.SHOW, "access-request", place=place))
    assert shown is not None
    code = buttons(shown).get("Letters under your rights")
    if to == "nowhere":
        assert code is None
    else:
        state = decode(code or "")
        assert state is not None
        assert (state.action, state.place) == (Action.LETTER, to)
