"""Name every sentence and button label that the bot itself says (texts.yaml)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
    ask_privately: Button
    full_answer: Button
    easy: Button
    standard: Button


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
    """The screen that tells who the bot is; the answer of `about-this-bot` follows it."""

    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with("count"), Field(max_length=1500)]


class Courtesy(_Texts):
    """What people say that is no question, word for word, and what the bot says to it."""

    words: list[Said]
    title: Annotated[str, _with(), Field(max_length=100)]
    text: Annotated[str, _with(), Field(max_length=500)]


class Kept(_Texts):
    """What is kept about an exchange, where and how long (design, section 6)."""

    last_topic: Said
    updates: Said


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


class Terminal(_Texts):
    """What the terminal chat says around the replies."""

    greeting: Said
    prompt: Annotated[str, _with(), Field(max_length=20)]
    no_button: Annotated[str, _with("number")]
    goodbye: Said
    no_token: Said


class Discord(_Texts):
    """What only Discord shows."""

    choose: Annotated[str, _with(), Field(max_length=150)]


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
    made: Annotated[str, _with("date")]


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
    not_yours: Said
    changed: Said
    failed: Annotated[str, _with("reference")]
    other_language: dict[str, Said]
    other_language_title: Said
    courtesies: list[Courtesy]
    checked: Annotated[str, _with("date")]
    page: Annotated[str, _with("page", "pages"), Field(max_length=60)]
    due: Said
    all_sources: Annotated[str, _with("count")]
    copy_of_source: Said
    terminal: Terminal
    discord: Discord
    export: Export
    bot_name: Annotated[str, _with(), Field(max_length=64)]
    short_description: Annotated[str, _with(), Field(max_length=120)]
    description: Annotated[str, _with(), Field(max_length=400)]
    placeholder: Annotated[str, _with(), Field(max_length=64)]
