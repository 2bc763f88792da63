"""Ask the real process very many questions over the wire, and look at what that costs: `make soak`.

    python -m tests.wire.soak [questions]

It prints what a question costs in processor time and how the memory of the process goes, then the same for messages
that are not for the bot. It ends with 1 where the memory still grows at the end.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from wire.discord_server import DIRECT, DiscordServer
from wire.process import BotProcess

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
"""Questions under way at a time."""

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
    async with DiscordServer() as server, BotProcess(server.environment) as bot:
        await server.until(lambda: server.ready)
        await bot.says("connected to Discord")
        texts, people = itertools.cycle(QUESTIONS), _people()
        # The first questions load what is loaded only when it is needed.
        await _ask(server, AT_ONCE, texts, people)
        began = processor(bot.pid)
        every = max(AT_ONCE, questions // 50 // AT_ONCE * AT_ONCE)
        while found.questions < questions:
            await _ask(server, AT_ONCE, texts, people)
            found.questions += AT_ONCE
            if found.questions % every == 0:
                found.memory.append(memory(bot.pid))
                tell(f"{found.questions} questions, {found.memory[-1]:.0f} MB")
        found.asking = processor(bot.pid) - began
        began = processor(bot.pid)
        found.aside = ASIDE * questions // 10
        for _ in range(found.aside):
            await server.say("lunch at one?", guild=True)
        # An answer behind them tells that all have been read.
        await _ask(server, 1, texts, people)
        found.ignoring = processor(bot.pid) - began
    return found


async def _ask(server: DiscordServer, count: int, texts: Iterator[str], people: Iterator[int]) -> None:
    asked = []
    for text, person in itertools.islice(zip(texts, people, strict=False), count):
        user = {"id": str(10**17 + person), "username": "somebody", "discriminator": "0"}
        channel = str(int(DIRECT) + person)
        asked.append(
            server.command(
                "ask", text, person=user, direct=True, channel_id=channel, channel={"id": channel, "type": 1}
            )
        )
    for answer in await asyncio.gather(*asked):
        assert answer["data"]["embeds"], answer
    assert not server.violations, server.violations
    server.forget()
    server.session().sent.clear()


def _people() -> Iterator[int]:
    return itertools.cycle(range(PERSONS))


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def main() -> int:
    """Run as long as the command line says; returns the exit code."""
    tell = Console(highlight=False, soft_wrap=True).print
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    found = asyncio.run(soak(questions, tell))
    each, other = 1000 * found.asking / found.questions, 1e6 * found.ignoring / found.aside
    tell(f"{found.questions} questions: {each:.1f} ms of processor time each, {1000 / each:.0f} a second and core")
    tell(f"{found.aside} messages that are not for the bot: {other:.0f} µs each")
    tell(f"memory: {found.memory[0]:.0f} MB after the first fiftieth, {found.memory[-1]:.0f} MB at the end")
    if not found.is_flat:
        tell("The memory still grows at the end.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
