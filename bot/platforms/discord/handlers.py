"""Answer what comes in: an event to the dialogue, its reply to Discord, and a kind word where that fails."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Button, Key, Part, Question, Reply, Section
from bot.dialogue.model import Kind as ReplyKind
from bot.dialogue.state import Action, State, decode
from bot.knowledge.markup import blocks
from bot.knowledge.model import Knowledge
from bot.platforms.aside import aside
from bot.platforms.discord import events
from bot.platforms.discord.commands import ASK, SCREENS
from bot.platforms.discord.events import (
    Asked,
    Call,
    Commanded,
    Interaction,
    Message,
    Pointed,
    Pressed,
    Raw,
    Submitted,
    Typed,
    WithoutText,
)
from bot.platforms.discord.limits import CHOICE_NAME, CHOICE_VALUE, CHOICES, NONCE
from bot.platforms.discord.render import form, render, title_of
from bot.platforms.discord.rest import Callbacks, Outgoing, Post
from bot.platforms.discord.safety import safe
from bot.platforms.discord.sender import person, room
from bot.platforms.gate import OPEN, Act, Gate, Verdict
from bot.platforms.observer import UNOBSERVED, Observer
from bot.platforms.platform import PermanentFault, Reference
from bot.platforms.wording import one_line, units

# Types of answers (https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-callback-type).
_MESSAGE, _LATER, _TAKEN, _UPDATE, _CHOICES, _FORM = 4, 5, 6, 7, 8, 9

_DEFER_AFTER = 0.3
"""Seconds that a question may wait for its answer before it is acknowledged without one; promised is one second."""

LAST_WORD_WITHIN = 0.9
"""Seconds in which whoever waits is told that the bot stops, when their answer is cut off."""

_EPHEMERAL = 1 << 6
_DEFERRED = Outgoing({"type": _LATER, "data": {"flags": _EPHEMERAL}})

Body = dict[str, Any]


@dataclass(slots=True)
class _UnderWay:
    """How far the answer to an interaction has come."""

    call: Call
    until: float
    is_deferring: bool = False
    is_deferred: bool = False
    """It was acknowledged without an answer, so Discord shows that we think."""

    body: Outgoing | None = None


class Handlers:
    """Answer messages and interactions; `me` is our own user id."""

    def __init__(
        self,
        dialogue: Dialogue,
        post: Post,
        callbacks: Callbacks,
        log: Any,
        reference: Reference,
        me: str,
        *,
        gate: Gate = OPEN,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._gate = gate
        self._observer = observer
        self._dialogue = dialogue
        self._post = post
        self._callbacks = callbacks
        self._log = log
        self._reference = reference
        self._me = me
        self._titles: tuple[Knowledge | None, Mapping[str, str]] = (None, {})

    async def message(self, raw: Raw) -> None:
        """Answer a message that is meant for us; raises PermanentFault when the token is bad."""
        event: Message | None = None
        verdict: Verdict | None = None
        began = _now()
        try:
            event = events.read_message(raw, self._me)
            if event is None:
                return
            asked = event
            verdict = await self._gate.verdict(Act.QUESTION, person(raw), room(raw))
            if verdict is Verdict.SILENCE:
                return
            body = (
                await aside(lambda: self._to_message(asked))
                if verdict is Verdict.ANSWER
                else self._drawn(self._dialogue.too_much())
            )
        except asyncio.CancelledError:
            if event and verdict is not None:
                await self._last_message(event, self._drawn(self._dialogue.stopping()))
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails, the person is told and the next one is answered
            failed = self._failed("message", error)
            if event is None:
                return
            body = self._drawn(failed)
        try:
            await self._post.send(event.channel, body.also(_answering(event)))
        except asyncio.CancelledError:
            # The nonce keeps an answer that has arrived from being given twice.
            await self._last_message(event, body)
            raise
        self._observer.replied(_now() - began)

    async def interaction(self, raw: Raw) -> None:
        """Answer an interaction, whatever happens, before it is dead; where that is cut off, say so to whoever waits."""
        began, until = _now(), self._callbacks.deadline()
        call = events.call_of(raw)
        if call is None:
            self._log.warning("an interaction came without what it is acknowledged with")
            return
        way = _UnderWay(call, until)
        try:
            await self._interaction(raw, way)
        except asyncio.CancelledError:
            if raw.get("type") != events.Kind.AUTOCOMPLETE:
                await self._last_word(way)
            raise
        self._observer.replied(_now() - began)

    async def _interaction(self, raw: Raw, way: _UnderWay) -> None:
        call, until = way.call, way.until
        handler = "autocomplete" if raw.get("type") == events.Kind.AUTOCOMPLETE else "interaction"
        try:
            event = events.read_interaction(raw, call)
            handler = type(event).__name__.lower()
            verdict = await self._gate.verdict(_act(event), person(raw), None)
            if verdict is not Verdict.ANSWER:
                body = self._too_much(event, verdict)
            elif _is_matched(event):
                making = asyncio.ensure_future(aside(lambda: self._to_interaction(event)))
                await self._defer(way, making)
                body = await making
            elif isinstance(event, Typed):
                body = await aside(lambda: self._to_interaction(event), quick=True)
            else:
                # What needs no matching never waits for somebody's question.
                body = self._to_interaction(event)
        except Exception as error:  # noqa: BLE001 - whatever fails, the person is told and the next one is answered
            body = self._apology(handler, raw, error)
        way.body = body
        answer = self._callbacks.complete if way.is_deferred else functools.partial(self._callbacks.answer, until=until)
        if not await answer(call, body):
            # Refused, so the person would see nothing at all.
            await answer(call, self._apology(handler, raw, None))

    async def _defer(self, way: _UnderWay, making: asyncio.Future[Outgoing]) -> None:
        """Acknowledge a question that cannot be answered at once; its answer then comes afterwards."""
        done, _ = await asyncio.wait({making}, timeout=_DEFER_AFTER)
        if not done:
            way.is_deferring = True
            way.is_deferred = await self._callbacks.answer(way.call, _DEFERRED, way.until)

    async def _last_word(self, way: _UnderWay) -> None:
        """Send the answer where there is one, else that the bot stops.

        Discord would go on showing that we think for a quarter of an hour, and then that nothing came.
        """
        body = way.body or self._hidden(self._dialogue.stopping())
        until = _now() + LAST_WORD_WITHIN
        if not way.is_deferred:
            await self._callbacks.answer(way.call, body, until)
        if way.is_deferring:
            # Cut off while it was acknowledged, Discord may have heard of that or not; one of the two arrives.
            await self._callbacks.complete(way.call, body, until)

    async def _last_message(self, event: Message, body: Outgoing) -> None:
        with contextlib.suppress(TimeoutError, PermanentFault):
            async with asyncio.timeout(LAST_WORD_WITHIN):
                await self._post.send(event.channel, body.also(_answering(event)))

    def _to_message(self, event: Message) -> Outgoing:
        if isinstance(event, WithoutText):
            return self._drawn(self._dialogue.no_text())
        replied = events.state_of(event, self._topics_by_title()) if event.codes or event.title else None
        return self._drawn(self._ask(event.text, event.conversation, replied))

    def _to_interaction(self, event: Interaction) -> Outgoing:
        match event:
            case Typed():
                return Outgoing({"type": _CHOICES, "data": {"choices": self._choices(event.text)}})
            case Commanded():
                return self._hidden(self._command(event), share=not event.direct)
            case Pointed():
                reply = self._ask(event.text, event.conversation) if event.text else self._dialogue.no_text()
                return self._hidden(_of_somebody_else(reply), share=not event.direct)
            case Pressed():
                return self._pressed(event)
            case Submitted():
                # A form cannot answer a form: whoever wrote too much is told, below the button that opens it again.
                return self._hidden(self._dialogue.submit(event.code, event.text))
        return self._hidden(self._dialogue.press(""))

    def _command(self, event: Commanded) -> Reply:
        if event.name == ASK:
            return self._ask(event.argument, event.conversation)
        state = SCREENS.get(event.name, State(Action.HELP))
        return self._dialogue.show(state) or self._dialogue.press("")

    def _ask(self, text: str, conversation: Hashable, replied: State | None = None) -> Reply:
        reply = self._dialogue.ask(Question(text, conversation, replied))
        self._observer.asked(reply)
        return reply

    def _too_much(self, event: Interaction, verdict: Verdict) -> Outgoing:
        """Return what acknowledges an interaction beyond the limit; only a press can be taken without a word."""
        if isinstance(event, Typed):
            return Outgoing({"type": _CHOICES, "data": {"choices": []}})
        if isinstance(event, Pressed) and verdict is Verdict.SILENCE:
            return Outgoing({"type": _TAKEN})
        return self._hidden(self._dialogue.too_much())

    def _pressed(self, event: Pressed) -> Outgoing:
        state = decode(event.code)
        if state and state.action is Action.WRITE and (prompt := self._dialogue.prompt(event.code)):
            return Outgoing({"type": _FORM, "data": form(prompt)})
        reply = self._dialogue.press(event.code, event.conversation, event.quoted)
        if reply.kind is ReplyKind.FAULT:
            # What they were reading stays where it is.
            return self._hidden(reply)
        if state and state.action is Action.SHARE:
            # Their own words are not shown around.
            return self._answer(_MESSAGE, replace(reply, quote=""))
        if event.has_files and (event.hidden or event.direct):
            # A letter is made once, from words that nobody keeps: it stays where it is.
            return self._hidden(reply)
        if event.hidden or event.direct or (event.own and not reply.private):
            return self._answer(_UPDATE, reply, share=event.hidden and not event.direct)
        if reply.private:
            # Under a public message that stays as it is, everyone gets their own.
            return self._hidden(reply)
        texts = self._dialogue.knowledge.texts
        return self._hidden(reply.with_note(Section(Part.NOTE, blocks(texts.not_yours))), share=not event.direct)

    def _choices(self, typed: str) -> list[Body]:
        """Return suggestions; what is too long to be shown whole is left out, since it would come back cut."""
        found = (one_line(safe(suggestion.text)) for suggestion in self._dialogue.suggest(typed, 2 * CHOICES))
        fitting = dict.fromkeys(text for text in found if 0 < units(text) <= min(CHOICE_NAME, CHOICE_VALUE))
        return [{"name": text, "value": text} for text in list(fitting)[:CHOICES]]

    def _hidden(self, reply: Reply, *, share: bool = False) -> Outgoing:
        return self._answer(_MESSAGE, reply, share=share, ephemeral=True)

    def _answer(self, type: int, reply: Reply, *, share: bool = False, ephemeral: bool = False) -> Outgoing:
        """Return the answer to an interaction."""

        def body(reply: Reply) -> Body:
            drawn = render(reply, self._dialogue.knowledge.texts, share=share)
            return {"type": type, "data": drawn.payload(ephemeral=ephemeral)}

        return self._with_files(reply, body)

    def _drawn(self, reply: Reply) -> Outgoing:
        """Return a message."""
        return self._with_files(reply, lambda reply: render(reply, self._dialogue.knowledge.texts).payload())

    def _with_files(self, reply: Reply, body: Callable[[Reply], Body]) -> Outgoing:
        texts = self._dialogue.knowledge.texts
        files = render(reply, texts).files if reply.files else ()
        if not files:
            return Outgoing(body(reply))
        told = replace(reply, files=()).with_note(Section(Part.NOTE, blocks(texts.discord.no_files)))
        return Outgoing(body(reply), files, body(told))

    def _apology(self, handler: str, raw: Raw, error: Exception | None) -> Outgoing:
        failed = self._failed(handler, error)
        if raw.get("type") == events.Kind.AUTOCOMPLETE:
            return Outgoing({"type": _CHOICES, "data": {"choices": []}})
        return self._hidden(failed)

    def _failed(self, handler: str, error: Exception | None) -> Reply:
        reference = self._reference()
        self._log.error("a handler failed", handler=handler, reference=reference, exc_info=error)
        return self._dialogue.failed(reference)

    def _topics_by_title(self) -> Mapping[str, str]:
        knowledge, titles = self._titles
        if knowledge is not self._dialogue.knowledge:
            knowledge = self._dialogue.knowledge
            titles = {title_of(topic.title): topic.id for topic in knowledge.topics.values()}
            self._titles = (knowledge, titles)
        return titles


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_matched(event: Interaction) -> bool:
    """Tell whether an answer takes the matcher, for which others may be waiting."""
    return isinstance(event, Pointed) or (isinstance(event, Commanded) and event.name == ASK)


def _act(event: Interaction) -> Act:
    if isinstance(event, Typed):
        return Act.TYPING
    return Act.PRESS if isinstance(event, Pressed | Submitted) else Act.QUESTION


def _of_somebody_else(reply: Reply) -> Reply:
    """Return the reply to words that another person wrote, which are theirs to hand on."""
    rows = (tuple(key for key in row if not _tells_editors(key)) for row in reply.rows)
    return replace(reply, quote="", rows=tuple(row for row in rows if row))


def _tells_editors(key: Key) -> bool:
    state = decode(key.code) if isinstance(key, Button) else None
    return state is not None and state.action is Action.EDITORS


def _answering(event: Asked | WithoutText) -> Body:
    """Return what makes a message the reply to another one, and one that arrives twice known as one."""
    return {
        "message_reference": {
            "message_id": event.message,
            "channel_id": event.channel,
            "fail_if_not_exists": False,
        },
        "nonce": event.message[:NONCE],
        "enforce_nonce": True,
    }
