"""Answer what comes in: an event to the dialogue, its reply to Discord, and a kind word where that fails."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Kind as ReplyKind
from bot.dialogue.model import Part, Question, Reply, Section
from bot.dialogue.state import Action, State, decode
from bot.knowledge.markup import blocks
from bot.knowledge.model import Knowledge
from bot.platforms.aside import aside
from bot.platforms.discord import events
from bot.platforms.discord.commands import ASK, SCREENS
from bot.platforms.discord.events import (
    Asked,
    Commanded,
    Interaction,
    Message,
    Pointed,
    Pressed,
    Raw,
    Typed,
    WithoutText,
)
from bot.platforms.discord.limits import CHOICE_NAME, CHOICE_VALUE, CHOICES, NONCE
from bot.platforms.discord.render import render, title_of
from bot.platforms.discord.rest import Callbacks, Post
from bot.platforms.discord.safety import safe
from bot.platforms.platform import Reference
from bot.platforms.wording import one_line, units

# Types of answers (https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-callback-type).
_MESSAGE, _UPDATE, _CHOICES = 4, 7, 8

Body = dict[str, Any]


class Handlers:
    """Answer messages and interactions; `me` is our own user id."""

    def __init__(
        self, dialogue: Dialogue, post: Post, callbacks: Callbacks, log: Any, reference: Reference, me: str
    ) -> None:
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
        try:
            event = events.read_message(raw, self._me)
            if event is None:
                return
            asked = event
            body = await aside(lambda: self._to_message(asked))
        except Exception as error:  # noqa: BLE001 - whatever fails, the person is told and the next one is answered
            failed = self._failed("message", error)
            if event is None:
                return
            body = self._drawn(failed)
        await self._post.send(event.channel, {**body, **_answering(event)})

    async def interaction(self, raw: Raw) -> None:
        """Answer an interaction, whatever happens, before it is dead."""
        until = self._callbacks.deadline()
        call = events.call_of(raw)
        if call is None:
            self._log.warning("an interaction came without what it is acknowledged with")
            return
        handler = "autocomplete" if raw.get("type") == events.Kind.AUTOCOMPLETE else "interaction"
        try:
            event = events.read_interaction(raw, call)
            handler = type(event).__name__.lower()
            # A press needs no matching, and so never waits for somebody's question.
            body = (
                self._to_interaction(event)
                if isinstance(event, Pressed)
                else await aside(lambda: self._to_interaction(event))
            )
        except Exception as error:  # noqa: BLE001 - whatever fails, the person is told and the next one is answered
            body = self._apology(handler, raw, error)
        if not await self._callbacks.answer(call, body, until):
            # Refused, so the person would see nothing at all.
            await self._callbacks.answer(call, self._apology(handler, raw, None), until)

    def _to_message(self, event: Message) -> Body:
        if isinstance(event, WithoutText):
            return self._drawn(self._dialogue.no_text())
        replied = events.state_of(event, self._topics_by_title()) if event.codes or event.title else None
        return self._drawn(self._dialogue.ask(Question(event.text, event.conversation, replied)))

    def _to_interaction(self, event: Interaction) -> Body:
        match event:
            case Typed():
                return {"type": _CHOICES, "data": {"choices": self._choices(event.text)}}
            case Commanded():
                return self._hidden(self._command(event), share=not event.direct)
            case Pointed():
                reply = self._ask(event.text, event.conversation) if event.text else self._dialogue.no_text()
                return self._hidden(reply, share=not event.direct)
            case Pressed():
                return self._pressed(event)
        return self._hidden(self._dialogue.press(""))

    def _command(self, event: Commanded) -> Reply:
        if event.name == ASK:
            return self._ask(event.argument, event.conversation)
        state = SCREENS.get(event.name, State(Action.HELP))
        return self._dialogue.show(state) or self._dialogue.press("")

    def _ask(self, text: str, conversation: Hashable) -> Reply:
        return self._dialogue.ask(Question(text, conversation))

    def _pressed(self, event: Pressed) -> Body:
        state = decode(event.code)
        reply = self._dialogue.press(event.code, event.conversation)
        if reply.kind is ReplyKind.FAULT:
            # What they were reading stays where it is.
            return self._hidden(reply)
        if state and state.action is Action.SHARE:
            return {"type": _MESSAGE, "data": self._drawn(reply)}
        if event.own:
            return {"type": _UPDATE, "data": self._drawn(reply, share=event.hidden and not event.direct)}
        texts = self._dialogue.knowledge.texts
        return self._hidden(reply.with_note(Section(Part.NOTE, blocks(texts.not_yours))), share=not event.direct)

    def _choices(self, typed: str) -> list[Body]:
        """Return suggestions; what is too long to be shown whole is left out, since it would come back cut."""
        found = (one_line(safe(suggestion.text)) for suggestion in self._dialogue.suggest(typed, 2 * CHOICES))
        fitting = dict.fromkeys(text for text in found if 0 < units(text) <= min(CHOICE_NAME, CHOICE_VALUE))
        return [{"name": text, "value": text} for text in list(fitting)[:CHOICES]]

    def _hidden(self, reply: Reply, *, share: bool = False) -> Body:
        drawn = render(reply, self._dialogue.knowledge.texts, share=share)
        return {"type": _MESSAGE, "data": drawn.payload(ephemeral=True)}

    def _drawn(self, reply: Reply, *, share: bool = False) -> Body:
        return render(reply, self._dialogue.knowledge.texts, share=share).payload()

    def _apology(self, handler: str, raw: Raw, error: Exception | None) -> Body:
        failed = self._failed(handler, error)
        if raw.get("type") == events.Kind.AUTOCOMPLETE:
            return {"type": _CHOICES, "data": {"choices": []}}
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
