"""Name every sentence and button label that the bot itself says (texts.yaml)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.knowledge.form import web_address

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _plain(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty; write it")
    return text.strip()


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("the text goes over several lines; write it on one")
    return text


def _with(*names: str) -> AfterValidator:
    """Return a validator that demands exactly the placeholders `names`."""

    def check(text: str) -> str:
        found = set(_PLACEHOLDER.findall(text))
        wanted = ", ".join(f"{{{name}}}" for name in names) or "none"
        for name in sorted(found - set(names)):
            raise ValueError(f"the placeholder {{{name}}} is not known here (known: {wanted}); correct or delete it")
        for name in sorted(set(names) - found):
            raise ValueError(f"the placeholder {{{name}}} is missing; write it where its value shall stand")
        if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
            raise ValueError("a brace stands alone, but braces are only for placeholders; delete it")
        return _plain(text)

    return AfterValidator(check)


Said = Annotated[str, _with()]
Button = Annotated[str, _with(), AfterValidator(_one_line), Field(max_length=34)]
"""At most 34 characters show on a Discord button (components reference)."""


Mask = Annotated[str, Field(pattern=r"^\[[a-z-]{1,20}\]$", description="A word in square brackets, such as [link].")]
"""Holds nothing that would be masked again."""


class _Texts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Buttons(_Texts):
    """Labels of the buttons that belong to no topic."""

    menu: Button
    back: Button
    more: Button
    share: Button
    sources: Button
    place: Button
    place_elsewhere: Button
    other_place: Button
    ask_privately: Button
    full_answer: Button
    easy: Button
    standard: Button
    erase: Button


class Headings(_Texts):
    """Headings over the parts of an answer."""

    steps: Said
    steps_on: Annotated[str, _with("device")]
    which_device: Said
    limits: Said
    more: Said
    links: Said
    sources: Said
    fitted: Annotated[str, _with("to")]
    near: Said


class Commands(_Texts):
    """What the platforms show beside each command; at most 100 characters (Discord)."""

    ask: Annotated[str, _with(), Field(max_length=100)]
    ask_question: Annotated[str, _with(), Field(max_length=100)]
    optout: Annotated[str, _with(), Field(max_length=100)]
    checkup: Annotated[str, _with(), Field(max_length=100)]
    letter: Annotated[str, _with(), Field(max_length=100)]
    topics: Annotated[str, _with(), Field(max_length=100)]
    help: Annotated[str, _with(), Field(max_length=100)]
    about: Annotated[str, _with(), Field(max_length=100)]
    privacy: Annotated[str, _with(), Field(max_length=100)]
    start: Annotated[str, _with(), Field(max_length=100)]
    answer_this: Annotated[str, _with(), Field(max_length=32)]


class Screen(_Texts):
    """A whole message of the bot: a title and paragraphs in small Markdown."""

    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with(), Field(max_length=1500)]


class About(_Texts):
    """The screen that tells who the bot is."""

    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with("count"), Field(max_length=1500)]


class Courtesy(_Texts):
    """What people say that is no question, and what the bot says to it."""

    words: list[Said]
    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with(), Field(max_length=500)]


class View(StrEnum):
    """What can be asked for by name: a command's screen, or another side of the last answer."""

    START = "start"
    HELP = "help"
    ABOUT = "about"
    TOPICS = "topics"
    OPTOUT = "optout"
    CHECKUP = "checkup"
    LETTER = "letter"
    EASY = "easy"
    GUIDE = "guide"
    SOURCES = "sources"


class Typed(_Texts):
    """What people write, word for word, to be shown something by its name."""

    view: Annotated[View, Field(strict=False)]
    words: list[Said]


class Despair(_Texts):
    """Words that tell that a person wants to die, anywhere in a message, and what the bot says to them."""

    words: list[Said]
    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with(), Field(max_length=500)]


class Kept(_Texts):
    """What is kept about an exchange, where and how long (design, section 6)."""

    last_topic: Said
    flood: Said
    updates: Said
    counts: Said
    messages: Said


class Privacy(_Texts):
    """The parts of /privacy; the rows shown are those that hold for this installation."""

    title: Said
    opening: Said
    kept_heading: Said
    kept: Kept
    platforms: Said
    contact: Annotated[str, _with("contact")]
    policy: Annotated[str, _with("url")]
    no_contact: Said


class Masks(_Texts):
    """What stands in a message to the editors in place of what could name a person."""

    email: Mask
    link: Mask
    name: Mask
    number: Mask


class Editors(_Texts):
    """What people read when they say whether an answer helped, or give their question to the editors."""

    helped: Button
    didnt: Button
    helped_note: Said
    didnt_note: Said
    tell: Button
    issues: Button
    issues_url: Annotated[str, AfterValidator(web_address), Field(max_length=512)] = Field(
        description="The public page on which people can tell the editors what is missing."
    )
    elsewhere: Screen
    nothing: Screen
    preview: Screen
    send: Button
    dont_send: Button
    sent: Screen
    sent_later: Screen
    sent_before: Screen
    full: Screen
    delete: Button
    deleted: Screen
    deleted_later: Screen
    masks: Masks


class Terminal(_Texts):
    """What the terminal chat says around the replies."""

    greeting: Said
    prompt: Annotated[str, _with(), Field(max_length=20)]
    no_button: Annotated[str, _with("number")]
    write: Said
    write_prompt: Annotated[str, _with(), Field(max_length=20)]
    save: Annotated[str, _with("name")]
    saved: Annotated[str, _with("path")]
    not_saved: Annotated[str, _with("name")]
    goodbye: Said
    no_token: Said


class Telegram(_Texts):
    """What only Telegram shows."""

    no_files: Said
    answer: Said
    in_file: Said
    erased: Annotated[str, _with(), Field(max_length=200)]
    not_erased: Annotated[str, _with(), Field(max_length=200)]


class Discord(_Texts):
    """What only Discord shows."""

    choose: Annotated[str, _with(), Field(max_length=150)]
    no_files: Said


class Export(_Texts):
    """What only the web pages and the sheet for printing say (`privacy-bot export`)."""

    skip: Said
    all_topics: Said
    sheet: Said
    easy: Said
    in_place: Annotated[str, _with("place")]
    facts: Said
    sure: Said
    contested: Said
    not_found: Said
    fact_checked: Annotated[str, _with("date")]
    related: Said
    act: Said
    checkups: Said
    checkup: Annotated[str, _with("place")]
    checkup_intro: Said
    elsewhere: Said
    letter_places: Annotated[str, _with("places")]
    letter_to: Said
    enclose: Said
    deadline: Said
    due: Annotated[str, _with("time")]
    extended: Annotated[str, _with("time")]
    month: Said
    months: Annotated[str, _with("count")]
    days: Annotated[str, _with("count")]
    letter_text: Said
    follow_up: Said
    blank_controller: Said
    blank_authority: Said
    blank_date: Said
    blank_deadline: Said
    made: Annotated[str, _with("date")]


class Heading(_Texts):
    """A title and a text about a place."""

    title: Annotated[str, _with("place"), Field(max_length=100)]
    text: Annotated[str, _with(), Field(max_length=1500)]


class Length(_Texts):
    """What is said to a text that is too long."""

    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with("count", "most"), Field(max_length=500)]


class Letters(_Texts):
    """What stands around the letters that people send under their rights."""

    where: Screen
    country: Screen
    list: Heading
    no_letter: Heading
    elsewhere: Screen
    europe: Button
    other_country: Button
    other_place: Button
    all: Button
    write: Button
    write_plain: Button
    write_blank: Button
    no_answer: Button
    authority_page: Button
    copy_subject: Button
    to: Annotated[str, _with("to")]
    thoughts: Said
    ask: Annotated[str, _with("most")]
    line: Annotated[str, _with("letter", "place"), AfterValidator(_one_line), Field(max_length=80)]
    empty: Screen
    too_long: Length
    pages: Said
    deadline: Annotated[str, _with("date")]
    extended: Annotated[str, _with("date", "extended")]
    fill: Said
    file: Said
    files: Said
    subject: Annotated[str, _with("subject"), AfterValidator(_one_line)]
    blank_grounds: Said
    blank_sent: Said
    event: Annotated[str, _with("letter"), AfterValidator(_one_line)]
    event_text: Said
    event_extended: Annotated[str, _with("letter"), AfterValidator(_one_line)]
    event_extended_text: Said
    disclaimer: Said


class Claim(_Texts):
    """A text that claims something, and the facts behind it."""

    text: Annotated[str, _with(), Field(max_length=500)]
    facts: Annotated[list[str], Field(min_length=1)]


class Help(Claim):
    """What helps where a guide and a person's screen differ."""

    title: Annotated[str, _with(), Field(max_length=100)]


class Missing(Help):
    """What helps where a certain thing is not on a person's screen, with the button that names it."""

    label: Button


class Guide(_Texts):
    """What the step-by-step guide says around the steps of a topic."""

    start: Button
    device: Screen
    other_device: Screen
    where: Screen
    step: Annotated[str, _with("step", "steps"), Field(max_length=60)]
    next: Button
    did_it: Button
    missing: Button
    to_step: Button
    another_device: Button
    letter: Button
    checkup: Button
    limits: Claim
    choice: Help
    other: Help
    language: Missing
    app: Missing
    company: Missing
    place: Missing
    moved: Missing
    fails: Missing


class Checkup(_Texts):
    """What the check-up says around its controls."""

    where: Screen
    europe: Button
    another_place: Button
    progress: Annotated[str, _with("number", "count", "done"), Field(max_length=80)]
    guide: Button
    done: Button
    not_for_me: Button
    later: Button
    finish: Button
    back: Button
    did_it: Button
    summary: Annotated[str, _with(), Field(max_length=100)]
    some_left: Said
    none_left: Said
    heading_done: Said
    heading_not_for_me: Said
    heading_left: Said
    keep: Button
    to_summary: Button
    kept: Screen
    file_title: Said
    file_intro: Annotated[str, _with("date")]
    file_place: Annotated[str, _with("place")]


class Texts(_Texts):
    """texts.yaml."""

    buttons: Buttons
    headings: Headings
    commands: Commands
    disclaimer: Said
    start: Screen
    help: Screen
    about: About
    privacy: Privacy
    menu: Screen
    place: Screen
    choices: Screen
    none: Screen
    empty: Screen
    no_text: Screen
    several: Screen
    too_old: Screen
    flooded: Screen
    flood: Screen
    stopping: Screen
    not_yours: Said
    changed: Said
    failed: Annotated[str, _with("reference")]
    other_language: dict[str, Said]
    other_language_title: Said
    courtesies: list[Courtesy]
    beside_courtesies: list[Said]
    typed: list[Typed]
    despair: Despair
    checked: Annotated[str, _with("date")]
    page: Annotated[str, _with("page", "pages"), Field(max_length=60)]
    due: Said
    all_sources: Annotated[str, _with("count")]
    copy_of_source: Said
    editors: Editors
    terminal: Terminal
    telegram: Telegram
    discord: Discord
    guide: Guide
    checkup: Checkup
    letters: Letters
    export: Export
    bot_name: Annotated[str, _with(), Field(max_length=64)]
    short_description: Annotated[str, _with(), Field(max_length=120)]
    description: Annotated[str, _with(), Field(max_length=400)]
    placeholder: Annotated[str, _with(), Field(max_length=64)]
