"""Answer a question on the command line, in words, as JSON, or with the reasons."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question, Reply
from bot.matching.model import Explanation


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, its reply, and the milliseconds that the reply took."""

    question: str
    reply: Reply
    milliseconds: float

    def json(self) -> str:
        """Return the line that `ask --json` prints (design, section 5)."""
        reply = self.reply
        return json.dumps(
            {
                "question": self.question,
                "band": reply.band,
                "topics": [{"id": item.topic, "score": round(item.score, 4)} for item in reply.topics],
                "offered": list(reply.offered),
                "device": reply.device,
                "place": reply.place,
                "language": reply.language,
                "ms": round(self.milliseconds, 2),
            }
        )


def answered(dialogue: Dialogue, text: str, conversation: int | None = None) -> Answered:
    """Ask one question, as part of a conversation where one is given."""
    begin = time.perf_counter()
    reply = dialogue.ask(Question(text, conversation))
    return Answered(text, reply, (time.perf_counter() - begin) * 1000)


def conversation_lines(dialogue: Dialogue, lines: Iterable[str]) -> Iterator[str]:
    """Answer lines as conversations: an empty line is answered by an empty line and starts another."""
    conversation = 0
    for line in lines:
        if line.strip():
            yield answered(dialogue, line, conversation).json()
        else:
            conversation += 1
            yield ""


def explained(dialogue: Dialogue, text: str) -> RenderableType:
    """Return why a question is answered as it is, for editors to read."""
    mind = dialogue.mind
    if exact := mind.suggestions.exact(text):
        return Text(f"\nThese are the very words of an ask, title or label of {exact}.")
    found = mind.finder.find(text)
    why = mind.matcher.explain(text)
    parts: list[RenderableType] = [
        Text(f"\nread as     {why.read_as}"),
        Text(f"repaired    {', '.join(f'{typed} → {read}' for typed, read in why.repaired) or 'nothing'}"),
        Text(f"device      {found.device or 'none named'}"),
        Text(f"place       {found.place or 'none named'}"),
        Text(f"language    {why.match.language}"),
        Text(
            f"is it ours  {why.gate:.2f}  (answered from {why.thresholds.answer:.2f}, offered from {why.thresholds.offer:.2f})"
        ),
        Text(f"band        {why.match.band}"),
        _ranking(why),
    ]
    if why.words:
        parts.append(Text("spoke for it  " + ", ".join(f"{word.text} {word.weight:+.2f}" for word in why.words)))
    if len(why.parts) > 1:
        parts += [
            Text(f"part  {part.text!r}: ours {part.gate:.2f}, {part.ranked[0].topic}")
            for part in why.parts
            if part.ranked
        ]
    return Group(*parts)


def _ranking(why: Explanation) -> Table:
    table = Table("topic", "chance", "nearest ask", box=None, pad_edge=False)
    nearest = {ask.topic: ask for ask in reversed(why.nearest)}
    for ranked in why.ranked:
        ask = nearest.get(ranked.topic)
        table.add_row(ranked.topic, f"{ranked.score:.2f}", f"{ask.text} ({ask.likeness:.2f})" if ask else "")
    return table
