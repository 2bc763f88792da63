"""Let people say whether an answer helped, and give their question to the editors; never on their own account."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bot.dialogue.answer import Row, menu_row
from bot.dialogue.masking import mask, plain
from bot.dialogue.model import Button, Kind, LinkButton, Part, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Paragraph, Span, Style, blocks
from bot.knowledge.model import Knowledge
from bot.knowledge.texts import Screen

MOST_QUOTED = 500
"""Characters of a person's words that a reply shows again (the issue of this feature; a message holds them easily)."""

COUNTED = frozenset({Action.HELPED, Action.DIDNT})
"""What is counted, by topic and day."""

_ASKED_IN_VAIN = frozenset({Kind.NONE, Kind.CHOICES, Kind.LANGUAGE})


class Ledger(Protocol):
    """Counts, and messages that people gave to the editors. None of it raises or waits."""

    @property
    def takes_messages(self) -> bool:
        """Tell whether messages are kept at all; without a key they are not."""

    def count(self, topic: str, what: str) -> None:
        """Count that an answer helped, or did not."""

    def receipt(self) -> str:
        """Return a receipt that nobody can guess, for a message that may be given."""

    def keep(self, text: str, receipt: str) -> bool:
        """Keep a message under its receipt, once however often it comes; returns whether there is room."""

    @property
    def is_late(self) -> bool:
        """Tell whether what is kept now only waits in memory, because the store is gone."""

    def withdraw(self, receipt: str) -> None:
        """Delete the message of a receipt, if it is still there."""


class NoneKept:
    """A ledger that keeps nothing, for where there is none any more while old buttons still are."""

    takes_messages = False
    is_late = False

    def count(self, topic: str, what: str) -> None:
        """Count nothing."""

    def receipt(self) -> str:
        """Return a receipt for nothing."""
        return ""

    def keep(self, text: str, receipt: str) -> bool:  # noqa: ARG002 - it keeps nothing
        """Keep nothing."""
        return False

    def withdraw(self, receipt: str) -> None:
        """Delete nothing, since nothing is kept."""


NONE_KEPT = NoneKept()


def with_feedback(knowledge: Knowledge, ledger: Ledger, reply: Reply, said: str) -> Reply:
    """Return a reply with what people can say about it; `said` are their words, empty where there are none."""
    quote = plain(said, MOST_QUOTED) if ledger.takes_messages else ""
    if reply.kind is Kind.ANSWER:
        return replace(_with_row(reply, _opinion(knowledge, reply)), quote=quote)
    if reply.kind in _ASKED_IN_VAIN and said:
        return replace(_with_row(reply, _editors(knowledge, ledger, quote)), quote=quote)
    return reply


def rated(knowledge: Knowledge, ledger: Ledger, state: State, reply: Reply, quoted: str) -> Reply:
    """Count what somebody says about the answer `reply`, and return it with a word of thanks in place of the question."""
    texts = knowledge.texts.editors
    helped = state.action is Action.HELPED
    ledger.count(state.topic, "helped" if helped else "didnt")
    note = Section(Part.NOTE, (Paragraph((Span(texts.helped_note if helped else texts.didnt_note, Style.ITALIC),)),))
    quote = plain(quoted, MOST_QUOTED) if ledger.takes_messages else ""
    answered = replace(reply.with_note(note), quote=quote)
    return answered if helped else _with_row(answered, _editors(knowledge, ledger, quote))


def preview(knowledge: Knowledge, ledger: Ledger, quoted: str) -> Reply:
    """Return exactly what would be given to the editors, and ask whether it shall be."""
    texts = knowledge.texts.editors
    if not ledger.takes_messages:
        return _screen(texts.elsewhere, ((_issues(knowledge),), menu_row(knowledge)))
    if not quoted:
        return _screen(texts.nothing, ((_issues(knowledge),), menu_row(knowledge)))
    send = Button(texts.send, State(Action.SEND, ledger.receipt()).encode())
    dont = Button(texts.dont_send, State(Action.MENU).encode())
    return replace(_screen(texts.preview, ((send, dont),)), quote=mask(quoted, texts.masks, MOST_QUOTED))


def send(knowledge: Knowledge, ledger: Ledger, state: State, quoted: str) -> Reply:
    """Give the previewed words to the editors, and return the receipt."""
    texts = knowledge.texts.editors
    if not ledger.takes_messages or not state.topic:
        return preview(knowledge, ledger, quoted)
    delete = Button(texts.delete, State(Action.WITHDRAW, state.topic).encode())
    if not quoted:
        # A second press, when the first has already put the receipt in the place of the preview.
        return _screen(texts.sent_before, ((delete,), menu_row(knowledge)))
    # Masked once more, since what comes back from a platform is only as good as what was shown.
    if not ledger.keep(mask(quoted, texts.masks, MOST_QUOTED), state.topic):
        return _screen(texts.full, ((_issues(knowledge),), menu_row(knowledge)))
    return _screen(texts.sent_later if ledger.is_late else texts.sent, ((delete,), menu_row(knowledge)))


def withdraw(knowledge: Knowledge, ledger: Ledger, state: State) -> Reply:
    """Delete a message by its receipt; while the store is gone the button stays, to be pressed again."""
    texts = knowledge.texts.editors
    ledger.withdraw(state.topic)
    if ledger.is_late:
        delete = Button(texts.delete, State(Action.WITHDRAW, state.topic).encode())
        return _screen(texts.deleted_later, ((delete,), menu_row(knowledge)))
    return _screen(texts.deleted, (menu_row(knowledge),))


def _screen(text: Screen, rows: tuple[Row, ...]) -> Reply:
    return Reply(Kind.SCREEN, text.title, (Section(Part.ANSWER, blocks(text.text)),), rows, private=True)


def _opinion(knowledge: Knowledge, reply: Reply) -> Row:
    if reply.state is None or reply.state.action is not Action.SHOW:
        return ()
    texts = knowledge.texts.editors
    helped, didnt = (replace(reply.state, action=action).encode() for action in (Action.HELPED, Action.DIDNT))
    return (Button(texts.helped, helped), Button(texts.didnt, didnt))


def _editors(knowledge: Knowledge, ledger: Ledger, quote: str) -> Row:
    if ledger.takes_messages and quote:
        return (Button(knowledge.texts.editors.tell, State(Action.EDITORS).encode()),)
    return (_issues(knowledge),)


def _issues(knowledge: Knowledge) -> LinkButton:
    return LinkButton(knowledge.texts.editors.issues, knowledge.texts.editors.issues_url)


def _with_row(reply: Reply, row: Row) -> Reply:
    """Return the reply with a row before its last one, which leads to the menu."""
    if not row:
        return reply
    return replace(reply, rows=(*reply.rows[:-1], row, *reply.rows[-1:]))
