"""Answer what comes in: an event to the dialogue, its reply to Telegram."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from telegram import User

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Part, Question, Reply, Section
from bot.dialogue.state import COMMANDS, Action, State, decode
from bot.knowledge.markup import blocks
from bot.knowledge.texts import Texts
from bot.platforms.aside import aside
from bot.platforms.observer import UNOBSERVED, Observer
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
from bot.platforms.telegram.render import Drawn, asked_for, render
from bot.platforms.telegram.safety import safe
from bot.platforms.wording import one_line

_LETTERS = frozenset({Action.LETTER, Action.WRITE})
"""What leads to words of one's own, which nobody writes where others read along."""

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
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._dialogue = dialogue
        self._observer = observer
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

        Whoever presses a button under somebody else's answer gets a copy in our private chat, and so does whoever
        wants a letter or files of their own where others read along.
        """
        state = decode(pressed.code)
        if state and state.action is Action.ERASE:
            return await self._outbox.acknowledge(pressed.id, text=await self._erased(pressed))
        url = deep_link(self._username, state) if self._belongs_elsewhere(pressed) else None
        return await self._outbox.acknowledge(pressed.id, url)

    async def answer(self, event: Event, acknowledged: asyncio.Task[bool] | None = None) -> None:
        """Answer an event; of a press, `acknowledged` tells whether it could be answered."""
        match event:
            case Typed():
                await self._offer(event)
            case Pressed():
                state = decode(event.code)
                erases = state is not None and state.action is Action.ERASE
                if not (erases or self._belongs_elsewhere(event) or await _is_too_old(acknowledged)) and event.where:
                    await self._press(event, event.where)
            case WithoutText():
                if await self._is_to_answer(event):
                    await self._send("media", event.where, lambda: self._no_text(event))
            case Commanded():
                await self._send("command", event.where, lambda: self._command(event))
            case Asked():
                code = self._prompted(event.line)
                if code is None:
                    await self._send("question", event.where, lambda: self._ask(event))
                else:
                    # What was typed lives for this one reply, which points at it.
                    where = replace(event.where, reply_to=event.message)
                    await self._send("prompt", where, lambda: self._dialogue.submit(code, event.text))

    async def tell_flooded(self, event: Event) -> None:
        """Tell a group that more is asked there than can be answered, for everybody who asks meanwhile."""
        if isinstance(event, Asked | Commanded | WithoutText):
            await self._send("flood", replace(event.where, reply_to=None), self._dialogue.flooded)

    def _ask(self, event: Asked) -> Reply:
        topics = self._dialogue.knowledge.topics
        titles = {one_line(safe(topic.title)): id for id, topic in topics.items()} if event.title else {}
        return self._counted(self._dialogue.ask(Question(event.text, event.conversation, state_of(event, titles))))

    def _command(self, event: Commanded) -> Reply:
        if event.name == "ask":
            return self._counted(self._dialogue.ask(Question(event.argument, event.conversation)))
        if event.name == "start":
            state = from_payload(event.argument, self._dialogue.knowledge)
        else:
            state = COMMANDS.get(event.name, COMMANDS["help"])
        return self._dialogue.press(state.encode(), event.conversation)

    def _counted(self, reply: Reply) -> Reply:
        self._observer.asked(reply)
        return reply

    def _no_text(self, event: WithoutText) -> Reply:
        """Return the reply to a picture or the like; where words were asked for, they are asked for again."""
        texts = self._dialogue.knowledge.texts
        code = self._prompted(event.line)
        if code is None:
            return self._dialogue.no_text()
        return self._dialogue.press(code).with_note(Section(Part.NOTE, blocks(texts.no_text.text)))

    def _prompted(self, line: str) -> str | None:
        """Return the code of the prompt that ends in `line`, None where none does.

        The code of a prompt that is of none any more is empty: what was written for a letter is no question.
        """
        if not line:
            return None
        return self._dialogue.prompted(line) or ("" if _is_of_a_prompt(line, self._dialogue.knowledge.texts) else None)

    async def _send(self, handler: str, where: Where, make: Callable[[], Reply]) -> None:
        try:
            reply = await aside(make)
        except Exception as error:  # noqa: BLE001 - people get a reference, whatever went wrong
            reply = self._dialogue.failed(self._report(handler, error))
        await self._deliver(handler, where, reply)

    async def _deliver(self, handler: str, where: Where, reply: Reply) -> None:
        """Send a reply: its files first, so that its buttons stand at the end of the chat."""
        texts = self._dialogue.knowledge.texts
        if reply.files and not await self._outbox.send_files(where, reply.files):
            reply = replace(reply, files=()).with_note(Section(Part.NOTE, blocks(texts.telegram.no_files)))
        try:
            drawn = render(reply, texts)
        except Exception as error:  # noqa: BLE001 - people get a reference, whatever went wrong
            drawn = self._failed(handler, error)
        await self._outbox.send(where, drawn)

    async def _press(self, event: Pressed, where: Where) -> None:
        """Answer a press in the message under which the button stands, or in a new one where that must stay."""
        try:
            reply = self._dialogue.press(event.code, event.conversation, event.quoted)
            # A letter is made once, from words that nobody keeps; and no message can be changed into one that asks for words.
            stays = event.keeps or reply.files or asked_for(reply)
            drawn = None if stays else render(reply, self._dialogue.knowledge.texts)
        except Exception as error:  # noqa: BLE001 - the message that was pressed stays as it is
            await self._outbox.send(where, self._failed("press", error))
            return
        if drawn is None:
            await self._deliver("press", where, reply)
        else:
            await self._outbox.edit(where, event.message, drawn)

    async def _erased(self, event: Pressed) -> str:
        """Delete what a person typed for the letter under which they press; returns what to tell them."""
        texts = self._dialogue.knowledge.texts.telegram
        if not (event.own and event.where and event.answers):
            return texts.not_erased
        return texts.erased if await self._outbox.delete(event.where, event.answers) else texts.not_erased

    def _belongs_elsewhere(self, event: Pressed) -> bool:
        """Tell whether a press is answered in our private chat."""
        if not event.own or event.where is None:
            return True
        state = decode(event.code)
        if event.where.chat > 0 or state is None:
            return False
        return state.action in _LETTERS or (state.action is Action.CHECKUP and self._has_files(state))

    def _has_files(self, state: State) -> bool:
        try:
            reply = self._dialogue.show(state)
            return reply is not None and bool(reply.files)
        except Exception as error:  # noqa: BLE001 - the press is answered where it was made, with a reference
            self._report("press", error)
            return False

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


def _is_of_a_prompt(line: str, texts: Texts) -> bool:
    """Tell whether a line names some letter and place in the form in which prompts do."""
    form = map(re.escape, re.split(r"\{\w+\}", one_line(safe(texts.letters.line))))
    return re.fullmatch(".+".join(form), line) is not None


async def _is_too_old(acknowledged: asyncio.Task[bool] | None) -> bool:
    """Tell whether a press is from long ago; where that takes long to find out, it is taken for a new one."""
    if acknowledged is None:
        return False
    done, _ = await asyncio.wait({acknowledged}, timeout=_ACKNOWLEDGED_WITHIN)
    return bool(done) and not acknowledged.result()
