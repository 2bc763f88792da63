from __future__ import annotations

import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog

from bot.service.log import frames, kinds, logger, setup_logs, unfailing

SECRET = "my chemo letter 99887766554433"


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def fail(value: str) -> None:
    local_variable = value
    raise ValueError(f"cannot {local_variable}")


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_log_holds_what_was_typed(form: Literal["console", "json"]):
    """Exceptions in our code and in libraries, with chains, leave type and frames, never text or variables."""
    stream = io.StringIO()
    setup_logs(form, stream)
    log = logger("bot.test")
    library = logging.getLogger("some.library")
    try:
        try:
            fail(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        log.exception("a handler failed", handler="ask", reference="abc123")
        library.exception("could not send %s", SECRET, stack_info=True)
    library.warning("user %s asked %s", 99887766554433, SECRET)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SECRET, stacklevel=1)
    text = stream.getvalue()
    assert SECRET not in text
    assert "99887766554433" not in text
    assert "a handler failed" in text
    assert "abc123" in text
    assert "RuntimeError < ValueError" in text
    assert "some.library" in text
    assert ":fail" in text


def test_json_logs_are_a_line_each():
    """In JSON form each record is one line of JSON with level, time and sentence."""
    stream = io.StringIO()
    setup_logs("json", stream)
    logger("bot.test").info("it runs", platforms=["discord"])
    logging.getLogger("lib").error("x")
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [record["level"] for record in records] == ["info", "error"]
    assert records[0]["event"] == "it runs"
    assert records[1]["logger"] == "lib"
    assert all(record["timestamp"] for record in records)


def test_library_chatter_is_left_out():
    """Libraries' info records are not written: httpx would log addresses with the token."""
    stream = io.StringIO()
    setup_logs("console", stream)
    logging.getLogger("httpx").info("GET https://api.example/bot%s", SECRET)
    assert stream.getvalue() == ""


def test_an_exception_is_told_by_type_and_frames():
    """Kinds follow the causes, frames name module, line and function."""
    with pytest.raises(ValueError, match="cannot") as caught:
        fail(SECRET)
    assert kinds(caught.value) == "ValueError"
    assert [frame.rsplit(":", 1)[1] for frame in frames(caught.value)][-1] == "fail"


def test_a_reader_that_hangs_holds_nothing_up():
    """What a full pipe does not take is lost; what comes when it is read again is there, and nothing fails when it is not."""
    reads, writes = os.pipe()
    with os.fdopen(writes, "w", encoding="utf-8") as pipe:
        stream = unfailing(pipe)
        for _ in range(5_000):
            stream.write("x" * 99 + "\n")
        taken = os.read(reads, 1 << 20)
        assert len(taken) < 5_000 * 100
        stream.write("read again\n")
        assert os.read(reads, 1 << 20).endswith(b"read again\n")
        os.close(reads)
        stream.write("nobody there\n")
        stream.flush()


@pytest.mark.skipif(sys.platform != "linux", reason="a file that is always full is there on Linux only")
def test_a_full_disk_fails_nothing():
    """Neither a line nor the end raises."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        stream = unfailing(full)
        stream.write("x\n")
        stream.flush()
        stream.close()


def test_a_log_that_leads_nowhere_is_no_fault():
    """Some start the bot without a standard error."""
    unfailing(None).write("x\n")
