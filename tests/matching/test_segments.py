"""Cutting a message into questions."""

from __future__ import annotations

import pytest

from bot.matching.segments import MOST, asks, split, split_list


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("are my comments used, and how do i stop it?", ["are my comments used", "how do i stop it?"]),
        ("is it on? and since when is it on?", ["is it on?", "and since when is it on?"]),
        ("who runs you and what do you keep", ["who runs you", "what do you keep"]),
        ("is it on already\nwhere do i turn it off", ["is it on already", "where do i turn it off"]),
        (
            "on what legal basis is it done, and if they ignore me which authority is next",
            ["on what legal basis is it done", "if they ignore me which authority is next"],
        ),
        (
            "is it too late to opt out and if not how do i do it",
            ["is it too late to opt out", "if not how do i do it"],
        ),
        ("how do i turn it off on my phone", []),
        ("why?", []),
        ("", []),
        (
            "1) is india in 2) is it legal there (3) how do i opt out",
            ["is india in", "is it legal there", "how do i opt out"],
        ),
    ],
)
def test_questions_are_parted(text: str, parts: list[str]) -> None:
    """Sentence ends, line ends and joined clauses part a message; one question is left whole."""
    assert split(text) == parts


def test_a_story_is_left_whole() -> None:
    """Of a message of many sentences only the questions are parts."""
    story = "i am retired now. " * (MOST + 1)
    assert split(story) == []
    assert split(f"{story} is it on? can i stop it?") == ["is it on?", "can i stop it?"]


def test_a_list_is_parted_at_each_and() -> None:
    """Short lists are parted at commas and "and", long stories are not."""
    assert split_list("my posts and my group chats") == ["my posts", "my group chats"]
    assert split_list("word and word " * 20) == []


@pytest.mark.parametrize(
    ("part", "question"),
    [
        ("and how do i stop it", True),
        ("group chats?", True),
        ("what's new", True),
        ("from which year on", True),
        ("if not how do i do it", True),
        ("i am retired", False),
        ("if it is on", False),
    ],
)
def test_questions_are_told_from_statements(part: str, question: bool) -> None:
    """A question mark or a question word makes a question."""
    assert asks(part) is question
