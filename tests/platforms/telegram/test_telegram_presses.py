from __future__ import annotations

import json

import pytest
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from bot.platforms.telegram.connection import is_bad_token, seconds
from bot.platforms.telegram.presses import _judge


def told(code: int, description: str = "Something", **more: object) -> bytes:
    return json.dumps({"ok": False, "error_code": code, "description": description, **more}).encode()


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (400, told(400, "Bad Request: query is too old"), BadRequest),
        (401, told(401), InvalidToken),
        (404, told(404), InvalidToken),
        (403, told(403), Forbidden),
        (429, told(429), RetryAfter),
        (500, told(500), NetworkError),
        (404, b"<html>not here</html>", NetworkError),
        (502, b"", NetworkError),
        (200, b"[]", NetworkError),
    ],
)
def test_an_answer_means_what_it_means_to_the_library(status: int, content: bytes, error: type[Exception]):
    """A press is answered past the library, but what Telegram says to it leads to the same faults."""
    with pytest.raises(error) as raised:
        _judge(status, content)
    # A page of something in between is a NetworkError that is no BadRequest, which is not tried again.
    assert isinstance(raised.value, BadRequest) == (error is BadRequest)
    if isinstance(raised.value, InvalidToken):
        assert is_bad_token(raised.value)


def test_a_flood_is_waited_for_as_long_as_telegram_says():
    """The seconds of a 429 are those of its parameters."""
    with pytest.raises(RetryAfter) as raised:
        _judge(429, told(429, parameters={"retry_after": 7}))
    assert seconds(raised.value) == 7


def test_what_is_taken_is_no_fault():
    """An answer that says ok raises nothing."""
    _judge(200, b'{"ok": true, "result": true}')
