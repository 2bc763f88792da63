from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from conftest import ROOT
from hypothesis import example, given
from hypothesis import strategies as st

from bot.dialogue.masking import mask, plain
from bot.knowledge.loader import load

MASKS = load(ROOT / "knowledge").texts.editors.masks
EMAIL, LINK, NAME, NUMBER = MASKS.email, MASKS.link, MASKS.name, MASKS.number
MOST = 500

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def masked(text: str) -> str:
    return mask(text, MASKS, MOST)


def full_width(text: str) -> str:
    return text.translate(_FULL_WIDTH)


def bold(text: str) -> str:
    """Write letters as mathematical ones."""
    return "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text)


def torn(text: str) -> str:
    """Put a character that nobody sees between all others."""
    return "\u200b".join(text)


def struck(text: str) -> str:
    """Draw a line through every character."""
    return "".join(f"{character}\u0336" for character in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.org please", f"write to {EMAIL} please"),
        ("jane@localhost", EMAIL),
        ("jane (at) example (dot) org", EMAIL),
        ("jane[at]example[.]org", EMAIL),
        ("jane @ example . org", EMAIL),
        ("jane at example dot org", EMAIL),
        ('"jane doe"@example.org', EMAIL),
        ("see https://medium.com/@jane/about-me now", f"see {LINK} now"),
        ("www.example.org/jane", LINK),
        ("linkedin.com/in/jane-doe", LINK),
        ("linkedin . com / in / jane-doe", LINK),
        ("de.linkedin[.]com/in/jane-doe", LINK),
        ("LinkedIn dot com/in/jane-doe", LINK),
        ("my page is /in/jane-doe", f"my page is {LINK}"),
        ("jane at linkedin.com/in/jane-doe", EMAIL),
        ("tg://user?id=5550010010", LINK),
        ("t.me/janedoe", LINK),
        ("ask @jane_doe or @ jane", f"ask {NAME} or {NAME}"),
        ("@Şükrü hello", f"{NAME} hello"),
        ("jane#4711 said", f"{NAME} said"),
        ("<@555001> and <@!555001> and <@&555001> and <#555001>", f"<{NAME}> and <@!{NUMBER}> and <{NAME}> and <#{NUMBER}>"),
        ("<:smile:555001>", f"<:smile:{NUMBER}>"),
        ("call +44 (0) 20 7946-0958.", f"call {NUMBER}."),
        ("born 1.2.1980", f"born {NUMBER}"),
        ("①②③ ❶❷❸ ٠١٢ 1️⃣", f"{NUMBER}"),
        ("does linkedin read my messages?", "does linkedin read my messages?"),
    ],
)  # fmt: skip
def test_what_could_name_a_person_is_taken_out(text: str, expected: str):
    """Addresses, links, @names and numbers are replaced in the forms in which people write them; other words stay."""
    assert masked(text) == expected


SECRETS = (
    "jane.doe@example.org",
    "linkedin.com/in/janedoe",
    "https://example.org/janedoe",
    "@janedoe",
    "+44 20 7946 0958",
)
DISGUISES = (str, str.upper, full_width, bold, torn, struck)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_disguise_does_not_help(secret: str, disguise: Callable[[str], str]):
    """What only looks like a sign is read as what it looks like."""
    out = masked(f"hello {disguise(secret)} there")
    assert "janedoe" not in out.casefold()
    assert "doe" not in out.casefold()
    assert not any(character.isdigit() for character in out)
    assert out.startswith("hello ")
    assert out.endswith(" there")


_PIECES = st.one_of(
    st.text(max_size=12),
    st.text("abcdefgh@.:/()[]<>#… \u3002\u3164\uffa0\u200b\u0336123-_\"'", max_size=20),
    st.sampled_from([*SECRETS, "@", " at ", " dot ", "(at)", "[dot]", "www.", "linkedin", ".com", "/in/", "#1234", *(
        (EMAIL, LINK, NAME, NUMBER)
    )]),
)  # fmt: skip


@given(st.lists(_PIECES, max_size=60).map("".join))
@example("foo@bar@baz.com")
@example("@  jane")
@example("x" * 499 + "@ (" * 10)
@example("1 a " * 200)
@example("wait… " * 200)
def test_a_second_time_changes_nothing(text: str):
    """What is kept is exactly what was shown, never longer than may be shown, and on one line."""
    once = masked(text)
    assert masked(once) == once
    assert len(once) <= MOST
    assert once.isprintable()
    assert masked(plain(once, MOST)) == once


@given(st.lists(_PIECES, max_size=30).map(" ".join), st.sampled_from(SECRETS), st.sampled_from(DISGUISES))
def test_no_surrounding_hides_a_sign(around: str, secret: str, disguise: Callable[[str], str]):
    """Whatever stands around it, no digit, @name, address or link is left."""
    out = masked(f"{around} {disguise(secret)} {around}")
    rest = out
    for sign in (EMAIL, LINK, NAME, NUMBER):
        rest = rest.replace(sign, " ")
    assert not any(unicodedata.digit(character, None) is not None for character in rest)
    assert "janedoe" not in rest.casefold()
    assert "example.org" not in rest.casefold()


@given(st.text(max_size=1200), st.integers(min_value=10, max_value=600))
def test_words_are_shown_on_one_line(text: str, most: int):
    """A quotation holds no line break, nothing that nobody sees, and no more than it may; again it is the same."""
    shown = plain(text, most)
    assert len(shown) <= most
    assert shown.isprintable()
    assert plain(shown, most) == shown


def test_a_long_message_is_cut_at_a_word():
    """Words are not cut in the middle, and that something is missing can be seen."""
    assert plain("word " * 200, 23) == "word word word word…"
    assert masked("word " * 200).endswith("word...")
