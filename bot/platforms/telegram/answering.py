"""Answer what comes in: an event to the dialogue, its reply to Telegram."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import User

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question, Reply
from bot.dialogue.state import Action, State, decode
from bot.platforms.aside import aside
from bot.platforms.platform import Reference
from bot.platforms.telegram.events import (
    Asked,
    Commanded,
    Event,
    Pressed,
    Typed,
    Where,
    WithoutText,
    deep_link,
    from_payload,
    state_of,
)
from bot.platforms.telegram.inline import offer
from bot.platforms.telegram.outbox import Outbox
from bot.platforms.telegram.render import Drawn, render
from bot.platforms.telegram.safety import safe
from bot.platforms.wording import one_line

_SCREENS = {
    "topics": Action.MENU,
    "help": Action.HELP,
    "about": Action.ABOUT,
    "privacy": Action.PRIVACY,
}

_ACKNOWLEDGED_WITHIN = 1.0
"""Seconds after which an edit does not wait any longer for Telegram to take the answer to its press."""

ALBUM_WAIT = 0.5
"""Seconds in which the parts of an album arrive; one of them may hold the words."""

_MOST_ALBUMS = 200
"""Albums that are answered, or that hold words which are; their other parts follow within a second."""


class Answering:
    """One person's event in, one message out; whatever fails is told kindly, with a reference."""

    def __init__(
        self,
        dialogue: Dialogue,
        outbox: Outbox,
        me: User,
        log: Any,
        reference: Reference,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dialogue = dialogue
        self._outbox = outbox
        self._username = me.username or ""
        self._log = log
        self._reference = reference
        self._sleep = sleep
        self._albums: OrderedDict[int, None] = OrderedDict()

    def expect(self, event: Event) -> None:
        """Note the words of an album as soon as they come, so that its other parts get no answer of their own."""
        if isinstance(event, Asked | Commanded) and event.album is not None:
            self._note(event.where.chat, event.album)

    async def acknowledge(self, pressed: Pressed) -> bool:
        """Answer a press at once; returns False where it is too old to be answered.

        Whoever presses a button under somebody else's answer gets a copy in our private chat.
        """
        url = None if pressed.own else deep_link(self._username, decode(pressed.code))
        return await self._outbox.acknowledge(pressed.id, url)

    async def answer(self, event: Event, acknowledged: asyncio.Task[bool] | None = None) -> None:
        """Answer an event; of a press, `acknowledged` tells whether it could be answered."""
        match event:
            case Typed():
                await self._offer(event)
            case Pressed():
                if event.own and event.where and not await _is_too_old(acknowledged):
                    await self._edit(event, event.where)
            case WithoutText():
                if await self._is_to_answer(event):
                    await self._send("media", event.where, self._dialogue.no_text)
            case Commanded():
                await self._send("command", event.where, lambda: self._command(event))
            case Asked():
                await self._send("question", event.where, lambda: self._ask(event))

    def _ask(self, event: Asked) -> Reply:
        topics = self._dialogue.knowledge.topics
        titles = {one_line(safe(topic.title)): id for id, topic in topics.items()} if event.title else {}
        return self._dialogue.ask(Question(event.text, event.conversation, state_of(event, titles)))

    def _command(self, event: Commanded) -> Reply:
        if event.name == "ask":
            return self._dialogue.ask(Question(event.argument, event.conversation))
        if event.name == "start":
            state = from_payload(event.argument, self._dialogue.knowledge)
        else:
            state = State(_SCREENS.get(event.name, Action.HELP))
        return self._dialogue.press(state.encode(), event.conversation)

    async def _send(self, handler: str, where: Where, reply: Callable[[], Reply]) -> None:
        try:
            drawn = render(await aside(reply), self._dialogue.knowledge.texts)
        except Exception as error:  # noqa: BLE001 - people get a reference, whatever went wrong
            drawn = self._failed(handler, error)
        await self._outbox.send(where, drawn)

    async def _edit(self, event: Pressed, where: Where) -> None:
        try:
            drawn = render(self._dialogue.press(event.code, event.conversation), self._dialogue.knowledge.texts)
        except Exception as error:  # noqa: BLE001 - the message that was pressed stays as it is
            await self._outbox.send(where, self._failed("press", error))
            return
        await self._outbox.edit(where, event.message, drawn)

    async def _offer(self, event: Typed) -> None:
        try:
            found = await aside(lambda: offer(self._dialogue, event.text, self._username))
        except Exception as error:  # noqa: BLE001 - an empty list ends the waiting
            self._report("inline", error)
            await self._outbox.offer(event.id, None)
            return
        await self._outbox.offer(event.id, found)

    def _failed(self, handler: str, error: Exception) -> Drawn:
        return render(self._dialogue.failed(self._report(handler, error)), self._dialogue.knowledge.texts)

    def _report(self, handler: str, error: Exception) -> str:
        reference = self._reference()
        self._log.error("a handler failed", handler=handler, reference=reference, exc_info=error)
        return reference

    async def _is_to_answer(self, event: WithoutText) -> bool:
        """Tell whether this is no part of an album, or the first part of one in which there are no words."""
        if event.album is None:
            return True
        if hash((event.where.chat, event.album)) in self._albums:
            return False
        await self._sleep(ALBUM_WAIT)
        return self._note(event.where.chat, event.album)

    def _note(self, chat: int, album: str) -> bool:
        """Remember an album; returns False where it is known already."""
        key = hash((chat, album))
        known = key in self._albums
        self._albums[key] = None
        if len(self._albums) > _MOST_ALBUMS:
            self._albums.popitem(last=False)
        return not known


async def _is_too_old(acknowledged: asyncio.Task[bool] | None) -> bool:
    """Tell whether a press is from long ago; where that takes long to find out, it is taken for a new one."""
    if acknowledged is None:
        return False
    done, _ = await asyncio.wait({acknowledged}, timeout=_ACKNOWLEDGED_WITHIN)
    return bool(done) and not acknowledged.result()
