from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.state import Action, State
from bot.service.sealing import KEY_BYTES, KeyFileError, Seal, UnsealError, named, read_key

KEY = b"k" * 32
TEXT = "does the robot in my feed know my salary"


@pytest.fixture
def seal() -> Seal:
    return Seal(KEY, os.urandom)


@given(st.text(max_size=500).filter(lambda text: not text.endswith("\0")))
def test_a_sealed_text_comes_back(text: str):
    """Every text is opened as it was sealed, and its length shows in steps of 64 bytes only."""
    seal = Seal(KEY, os.urandom)
    receipt = "ab" * 10
    sealed = seal.seal(text, receipt)
    assert seal.unseal(sealed, named(receipt)) == text
    assert (len(sealed) - 12 - 16) % 64 == 0


def test_nothing_of_the_text_can_be_seen(seal: Seal):
    """Neither words nor equality show: the same text is sealed differently each time."""
    first, second = (seal.seal(TEXT, "ab") for _ in range(2))
    assert first != second
    assert not any(word.encode() in first for word in TEXT.split() if len(word) > 3)


@pytest.mark.parametrize("spoil", ["key", "name", "byte", "end", "nothing"])
def test_what_was_changed_is_not_opened(seal: Seal, spoil: str):
    """Another key, another message's name, a changed byte or a cut is told, never guessed at."""
    sealed, name = seal.seal(TEXT, "ab"), named("ab")
    if spoil == "key":
        seal = Seal(b"j" * 32, os.urandom)
    elif spoil == "name":
        name = named("cd")
    elif spoil == "byte":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    else:
        sealed = sealed[:-1] if spoil == "end" else b""
    with pytest.raises(UnsealError):
        seal.unseal(sealed, name)


def test_the_receipt_cannot_be_told_from_the_name():
    """A message is kept under a hash, so whoever reads the store cannot delete in somebody's place."""
    receipt = "ab" * 10
    assert receipt not in named(receipt)
    assert named(receipt) != named("ac" * 10)
    assert len(State(Action.WITHDRAW, receipt).encode()) <= 64


def test_a_key_is_read_in_whatever_form(tmp_path: Path):
    """Text with a line break at its end and raw bytes are keys; different files give different ones."""
    keys = set()
    for number, content in enumerate(
        (b"abcdefgh" * 5 + b"\n", b"ijklmnop" * 4, b"\n" + bytes(range(31)), bytes(range(32, 64)))
    ):
        file = tmp_path / f"{number}.key"
        file.write_bytes(content)
        keys.add(read_key(file))
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert len(keys) == 4
    (tmp_path / "again.key").write_bytes(b"abcdefgh" * 5 + b"\r\n")
    assert read_key(tmp_path / "again.key") in keys


@pytest.mark.parametrize("content", [None, b"", b"short\n", b" " * 31])
def test_a_bad_key_file_is_one_sentence_with_a_remedy(tmp_path: Path, content: bytes | None):
    """What is wrong is said with the command that makes a good one, and without what the file holds."""
    file = tmp_path / "ledger.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(KeyFileError, match="openssl rand") as refused:
        read_key(file)
    assert "short\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b" " * 64, bytes(64), b"x" * 40])
def test_a_file_of_one_character_is_no_key(tmp_path: Path, content: bytes):
    """Blanks and zeros are not a secret, however many."""
    file = tmp_path / "ledger.key"
    file.write_bytes(content)
    with pytest.raises(KeyFileError):
        read_key(file)
