"""The one table of dialogues: what people say or press, and what has to come back, on every platform."""

from __future__ import annotations

from dataclasses import dataclass

from bot.dialogue.model import Kind


@dataclass(frozen=True)
class Turn:
    """Something said (or a button pressed, by its label), and the marks of a right reply.

    `topic` is one of the ids that may be answered first; `shows` and `hides` are texts of the drawn reply.
    """

    says: str = ""
    presses: str = ""
    kind: Kind = Kind.ANSWER
    topic: tuple[str, ...] = ()
    device: str | None = None
    place: str | None = None
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()


DIALOGUES: dict[str, list[Turn]] = {
    "the way out, asked for in own words": [
        Turn(
            "how do i stop linkedin training ai on my stuff",
            topic=("opt-out-overview",),
            shows=("What this does not do", "Sources checked on"),
        ),
        Turn(presses="iPhone", topic=("opt-out-overview",), shows=("1. ", "iPhone or iPad")),
        Turn("and on android?", topic=("opt-out-overview",), device="android", shows=("1. ", "Android")),
    ],
    "device and place named": [
        Turn(
            "i'm in munich on an iphone, how do i turn it off",
            topic=("opt-out-phone", "opt-out-overview"),
            device="ios",
            place="de",
            shows=("iPhone or iPad", "Germany", "1. "),
        ),
    ],
    "a device whose steps stand in another topic": [
        Turn(
            "how do i turn off linkedin ai training on my phone browser in são paulo",
            topic=("opt-out-phone", "opt-out-overview"),
            device="mobile-web",
            place="br",
            shows=("Browser on a phone", "Brazil", "1. "),
            hides=("Step by step: Computer",),
        ),
        Turn(presses="Another country", kind=Kind.SCREEN, shows=("Where do you live?",)),
    ],
    "private messages": [
        Turn("are my dms read?", topic=("private-messages",), shows=("Sources checked on",)),
    ],
    "nothing to do with it": [
        Turn("what's the weather", kind=Kind.NONE, shows=("I have no answer to that",), hides=("Sources checked on",)),
    ],
    "another language": [
        Turn("wie schalte ich das KI-Training bei LinkedIn aus?", kind=Kind.LANGUAGE, shows=("auf Englisch",)),
    ],
    "a greeting, a menu, a subject": [
        Turn("hello", kind=Kind.COURTESY, shows=("Hello!",)),
        Turn(presses="All subjects", kind=Kind.MENU, shows=("What would you like to know?",)),
    ],
    "a subject that needs no device": [
        Turn("was there a deadline on 3 november, is it too late now?", topic=("opt-out-deadline",)),
        Turn(presses="All subjects", kind=Kind.MENU),
    ],
    "the bot about itself": [
        Turn("who made this bot", topic=("about-this-bot",), shows=("neither to LinkedIn nor to Microsoft",)),
    ],
    "empty": [Turn("   ", kind=Kind.NONE, shows=("What is your question?",))],
    "too long to be a question": [Turn("x" * 50_000, kind=Kind.NONE)],
}
