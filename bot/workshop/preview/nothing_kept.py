"""Stand in for the ledger, so that what people can say about answers can be looked at without anything being kept."""

from __future__ import annotations

RECEIPT = "preview"
"""The receipt of a message that was not kept."""


class NothingKept:
    """Take counts and messages as the ledger does, and forget them at once."""

    takes_messages = True
    is_late = False

    def count(self, topic: str, what: str) -> None:
        """Count nothing."""

    def receipt(self) -> str:
        """Return the receipt of a message that nobody will read."""
        return RECEIPT

    def keep(self, text: str, receipt: str) -> bool:  # noqa: ARG002 - it keeps nothing
        """Say that there is room."""
        return True

    def withdraw(self, receipt: str) -> None:
        """Delete nothing, since nothing is kept."""
