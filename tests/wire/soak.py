"""Ask the real process very many questions over the wire, and look at what that costs: `make soak`.

    python -m tests.wire.soak [questions]

Everybody asks; then some say whether it helped, and some go through the guide or the check-up, write a letter, or tell
the editors. It prints what a question and what a press costs in processor time and how the memory of the process goes,
then the same for messages that are not for the bot. It ends with 1 where the memory still grows at the end.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from wire.discord_server import DIRECT, DiscordServer, Json, buttons
from wire.process import BotProcess

from bot.dialogue.state import Action, decode

QUESTIONS = (
    "how do i stop linkedin training ai on my stuff",
    "i'm in munich on an iphone, how do i turn it off",
    "are my dms read",
    "i posted about my chemo last year, is that in their model now",
    "what's the weather",
    "does that undo what they already trained on, and may they do this at all",
    "wie schalte ich das KI-Training bei LinkedIn aus?",
    "whre is teh swich on adnroid",
)
AT_ONCE = 20
"""Questions under way at a time; as many people then go on together."""

SCREENS = 3
"""Screens of a guide or the check-up that somebody looks at."""

GROUNDS = "I am a nurse, and I never agreed to this.\nMy posts name patients' relatives."

PERSONS = 5_000
"""People who ask in turn, so that nobody asks faster than a person can."""

ASIDE = 20
"""Messages that are not for the bot, for each question that was asked before them."""

GROWTH = 1.03
"""By how much the memory may differ between the last two fifths of a run."""

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Soaked:
    """What a run has shown: seconds of processor time, memory in MB along the way."""

    questions: int = 0
    aside: int = 0
    asking: float = 0.0
    pressing: float = 0.0
    pressed: Counter[str] = field(default_factory=Counter)
    """What people did beside asking, by kind; each is one press, choice or form."""

    ignoring: float = 0.0
    memory: list[float] = field(default_factory=list)

    @property
    def is_flat(self) -> bool:
        """Tell whether the memory of the last fifth is that of the fifth before it."""
        fifth = max(1, len(self.memory) // 5)
        last, before = self.memory[-fifth:], self.memory[-2 * fifth : -fifth] or self.memory[:1]
        return sum(last) / len(last) <= GROWTH * sum(before) / len(before)


async def soak(questions: int, tell: Callable[[str], None]) -> Soaked:
    """Ask so many questions; raises AssertionError where one is not answered."""
    found = Soaked()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        async with DiscordServer() as server, BotProcess({**server.environment, **_keeping(Path(folder))}) as bot:
            await _soak(questions, tell, found, server, bot)
    return found


def _keeping(folder: Path) -> dict[str, str]:
    """Return the settings of a bot that keeps counts and messages in a folder."""
    key = folder / "ledger.key"
    key.write_text(secrets.token_hex(32), encoding="ascii")
    key.chmod(0o600)
    return {"BOT_STATE": f"sqlite:///{folder / 'state.db'}", "BOT_LEDGER_KEY_FILE": str(key)}


async def _soak(
    questions: int, tell: Callable[[str], None], found: Soaked, server: DiscordServer, bot: BotProcess
) -> None:
    await server.until(lambda: server.ready)
    await bot.says("connected to Discord")
    texts, people = itertools.cycle(QUESTIONS), _people()
    # The first questions load what is loaded only when it is needed.
    await _go_on(server, await _ask(server, AT_ONCE, texts, people), Counter())
    every = max(AT_ONCE, questions // 50 // AT_ONCE * AT_ONCE)
    while found.questions < questions:
        began = processor(bot.pid)
        asked = await _ask(server, AT_ONCE, texts, people)
        found.questions += AT_ONCE
        answered = processor(bot.pid)
        found.asking += answered - began
        await _go_on(server, asked, found.pressed)
        found.pressing += processor(bot.pid) - answered
        if found.questions % every == 0:
            found.memory.append(memory(bot.pid))
            tell(f"{found.questions} questions, {found.memory[-1]:.0f} MB")
    began = processor(bot.pid)
    found.aside = ASIDE * questions // 10
    for _ in range(found.aside):
        await server.say("lunch at one?", guild=True)
    # An answer behind them tells that all have been read.
    await _ask(server, 1, texts, people)
    found.ignoring = processor(bot.pid) - began


class Person:
    """Somebody who asks, and presses what they see, each in a chat of their own."""

    def __init__(self, server: DiscordServer, number: int) -> None:
        user = {"id": str(10**17 + number), "username": "somebody", "discriminator": "0"}
        channel = str(int(DIRECT) + number)
        self._who = {"person": user, "direct": True, "channel_id": channel, "channel": {"id": channel, "type": 1}}
        self._server = server
        self.message: Json = {}

    async def command(self, name: str, text: str | None = None) -> None:
        self._see(await self._server.command(name, text, **self._who))

    async def press(self, action: Action) -> Json:
        """Press the first button that leads to an action; returns the whole answer."""
        answer = await self._server.press(next(codes(self.message, action)), self.message, **self._who)
        if answer["type"] in {4, 7}:
            self._see(answer)
        return answer

    async def write(self, form: Json) -> None:
        answer, files = await self._server.submit(form, GROUNDS, **self._who)
        assert files, answer
        self._see(answer)

    def _see(self, answer: Json) -> None:
        assert answer["data"]["embeds"], answer
        self.message = {"id": "1", **answer["data"]}


def codes(message: Json, action: Action) -> Iterator[str]:
    """Yield the codes of a message's buttons that lead to an action."""
    for button in buttons(message):
        code = button.get("custom_id") or button.get("value") or ""
        if (state := decode(code)) and state.action is action:
            yield code


async def _rate(person: Person) -> int:
    """Say whether the answer helped, where that is asked."""
    action = next((action for action in (Action.HELPED, Action.DIDNT) if any(codes(person.message, action))), None)
    if action is None:
        return 0
    await person.press(action)
    return 1


async def _look_through(person: Person, command: str, action: Action) -> int:
    await person.command(command)
    for _ in range(SCREENS):
        await person.press(action)
    return 1 + SCREENS


async def _write(person: Person) -> int:
    """Choose a letter, and write it with grounds of one's own."""
    await person.command("letter")
    pressed = 2
    while not any(codes(person.message, Action.WRITE)):
        await person.press(Action.LETTER)
        pressed += 1
    form = await person.press(Action.WRITE)
    await person.write(form["data"])
    return pressed + 1


async def _tell(person: Person) -> int:
    """Tell the editors, and take it back."""
    await person.command("ask", "what is the weather tomorrow, and how do i cook soup?")
    for action in (Action.EDITORS, Action.SEND, Action.WITHDRAW):
        await person.press(action)
    return 4


AFTERWARDS: tuple[tuple[str, int, Callable[[Person], Awaitable[int]]], ...] = (
    ("feedback", 8, _rate),
    ("guide", 3, lambda person: _look_through(person, "optout", Action.GUIDE)),
    ("check-up", 2, lambda person: _look_through(person, "checkup", Action.CHECKUP)),
    ("letter", 2, _write),
    ("editors", 1, _tell),
)
"""What people do after their answer, and how many of AT_ONCE; the others only read."""


async def _ask(server: DiscordServer, count: int, texts: Iterator[str], people: Iterator[int]) -> list[Person]:
    asked = [Person(server, number) for number in itertools.islice(people, count)]
    await asyncio.gather(*(person.command("ask", text) for person, text in zip(asked, texts, strict=False)))
    _forget(server)
    return asked


async def _go_on(server: DiscordServer, people: list[Person], pressed: Counter[str]) -> None:
    """Let those who have their answers do what people do then; `pressed` counts it."""
    kinds = [(kind, does) for kind, share, does in AFTERWARDS for _ in range(share)]
    done = await asyncio.gather(*(does(person) for (_, does), person in zip(kinds, people, strict=False)))
    for (kind, _), number in zip(kinds, done, strict=True):
        pressed[kind] += number
    _forget(server)


def _forget(server: DiscordServer) -> None:
    assert not server.violations, server.violations
    server.forget()
    server.session().sent.clear()


def _people() -> Iterator[int]:
    return itertools.cycle(range(PERSONS))


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(pid: int | str) -> float:
    """Return the seconds of processor time that a process has used, or a thread of it (`pid/task/id`)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def main() -> int:
    """Run as long as the command line says; returns the exit code."""
    tell = Console(highlight=False, soft_wrap=True).print
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    found = asyncio.run(soak(questions, tell))
    each, other = 1000 * found.asking / found.questions, 1e6 * found.ignoring / found.aside
    tell(f"{found.questions} questions: {each:.1f} ms of processor time each, {1000 / each:.0f} a second and core")
    did = ", ".join(f"{kind} {number}" for kind, number in found.pressed.items())
    press = 1000 * found.pressing / found.pressed.total()
    tell(f"{found.pressed.total()} presses and forms ({did}): {press:.1f} ms of processor time each")
    tell(f"{found.aside} messages that are not for the bot: {other:.0f} µs each")
    tell(f"memory: {found.memory[0]:.0f} MB after the first fiftieth, {found.memory[-1]:.0f} MB at the end")
    if not found.is_flat:
        tell("The memory still grows at the end.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
