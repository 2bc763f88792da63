"""Write logs that hold no word, id or token of anyone.

Our own records are fixed sentences with safe fields. A library's record shrinks to its logger, level,
exception type and frames: its message and arguments may hold anything (an address with the token in it, a
person's id). Of an exception only type and frames are kept, for the same reason; structlog's console
traceback would even print local variables.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import select
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

Event = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_MOST_FRAMES = 12
_MOST_CAUSES = 4


def setup_logs(form: Literal["console", "json"], stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all records of this process to `stream` (standard error by default), safely reduced."""
    stream = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer(sort_keys=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_exception_text,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_LibraryFormatter([*shared, renderer]))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    # What asyncio and threads would print by themselves holds the exception's text.
    sys.excepthook = _log_uncaught
    logging.raiseExceptions = False


def unfailing(stream: TextIO | None) -> TextIO:
    """Return a stream to the same file, or to nowhere, that loses what cannot be written.

    A log on a full disk, or whose reader has gone or hangs, must stop no answer.
    """
    number = stream.fileno() if stream else os.open(os.devnull, os.O_WRONLY)
    # Without a buffer nothing is left to be written, and to fail, at the end.
    return _Unfailing(
        io.FileIO(number, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )


def logger(name: str) -> Any:
    """Return a logger for our own fixed sentences and safe fields."""
    return structlog.get_logger(part=name)


def without_exception_text(_logger: Any, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the exception's type and frames, without its message."""
    exc_info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if exc_info:
        info = _as_info(exc_info)
        if info:
            event["exception"] = kinds(info[1])
            event["frames"] = frames(info[1])
    return event


def kinds(error: BaseException) -> str:
    """Return the type of an exception and of what caused it: `TypeError < ValueError`."""
    return " < ".join(type(link).__qualname__ for link in _chain(error))


def frames(error: BaseException) -> list[str]:
    """Return the last frames of an exception and its causes as `module:line:function`, without source or variables."""
    found = [
        f"{frame.f_globals.get('__name__', '?')}:{line}:{frame.f_code.co_name}"
        for link in _chain(error)
        for frame, line in traceback.walk_tb(link.__traceback__)
    ]
    return found[-_MOST_FRAMES:]


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in links and len(links) < _MOST_CAUSES:
        links.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return links


def _as_info(exc_info: Any) -> ExcInfo | None:
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple) and exc_info and exc_info[0] is not None:
        return exc_info[0], exc_info[1], exc_info[2]
    current = sys.exc_info()
    return (current[0], current[1], current[2]) if current[0] is not None and current[1] is not None else None


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logger("bot").error("the program stops because of a fault of its own", exc_info=(kind, error, trace))


class _Unfailing(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            # A pipe that is ready takes more than a line.
            if select.select((), (self,), (), 0)[1]:
                super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


class _LibraryFormatter(logging.Formatter):
    """Reduce a library's record to its logger, level, exception type and frames."""

    def __init__(self, processors: list[Any]) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        event: Any = {"event": "a library reports", "logger": record.name, "exc_info": record.exc_info or None}
        for processor in self._processors:
            event = processor(None, record.levelname.lower(), event)
        return str(event)
