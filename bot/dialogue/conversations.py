"""Remember the last topic of each conversation for ten minutes, and nothing else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

MEMORY_SECONDS = 10 * 60
"""How long a follow-up is understood; promised in /privacy (design, section 6)."""

MOST = 100_000
"""Conversations held at once, some 20 MB; beyond it the oldest is forgotten early."""


class Conversations:
    """Topics by conversation, in process memory, for any number of threads.

    `clock` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._topics: OrderedDict[Hashable, tuple[float, str]] = OrderedDict()

    def remember(self, conversation: Hashable | None, topic: str) -> None:
        """Note the topic that a conversation is about now."""
        if conversation is None:
            return
        with self._lock:
            self._topics.pop(conversation, None)
            self._topics[conversation] = (self._clock() + MEMORY_SECONDS, topic)
            self._forget()

    def last(self, conversation: Hashable | None) -> str | None:
        """Return the topic of a conversation, None where there is none or it is too long ago."""
        with self._lock:
            self._forget()
            found = self._topics.get(conversation)
        return found[1] if found else None

    def forget(self) -> None:
        """Drop what is too old; called with every message, and by the clock where none comes."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        now = self._clock()
        while self._topics:
            expires, _ = next(iter(self._topics.values()))
            if expires > now and len(self._topics) <= MOST:
                return
            self._topics.popitem(last=False)
