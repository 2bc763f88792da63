"""Note what a platform reports about its work."""

from __future__ import annotations

from bot.dialogue.model import Reply


class Watcher:
    """What was reported."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.seconds: list[float] = []
        self.statuses: list[int | None] = []
        self.waits: list[float] = []

    def asked(self, reply: Reply) -> None:
        self.replies.append(reply)

    def replied(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def refused(self, status: int | None) -> None:
        self.statuses.append(status)

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)
