"""Try a question: what it is answered with, why, and whether the edits since the start changed that."""

from __future__ import annotations

from typing import Any

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Reply
from bot.matching.model import Explanation
from bot.workshop.asking import answered
from bot.workshop.preview.drawn import drawn

_RANKED = 6
"""Topics that are listed; what follows has no chance."""


def trial(dialogue: Dialogue, before: Dialogue | None, question: str) -> dict[str, Any]:
    """Return the reply to a question as it is drawn, with everything that led to it.

    `before` answers from the knowledge as it was when the preview started.
    """
    done = answered(dialogue, question)
    reply = done.reply
    mind = dialogue.mind
    found = mind.finder.find(question)
    exact = mind.suggestions.exact(question)
    return {
        "question": question,
        "milliseconds": round(done.milliseconds, 1),
        "band": reply.band,
        "device": found.device,
        "place": found.place,
        "language": reply.language,
        "topics": [item.topic for item in reply.topics],
        "offered": list(reply.offered),
        "exact": exact,
        "why": _why(dialogue, mind.matcher.explain(question)) if question.strip() else None,
        "before": _before(before, reply, question),
        "code": reply.state.encode() if reply.state else "",
        "message": drawn(reply, dialogue.knowledge.texts),
    }


def _before(dialogue: Dialogue | None, reply: Reply, question: str) -> dict[str, Any] | None:
    if not dialogue:
        return None
    earlier = answered(dialogue, question).reply
    same = _outcome(earlier) == _outcome(reply)
    return {"same": same, "was": _outcome(earlier), "now": _outcome(reply)}


def _outcome(reply: Reply) -> str:
    """Return what a question led to: the topics answered, or the choices, or nothing."""
    if reply.topics:
        return f"{reply.band}: {' + '.join(item.topic for item in reply.topics)}"
    if reply.offered:
        return f"{reply.band}: {', '.join(reply.offered)}"
    return "no answer"


def _why(dialogue: Dialogue, why: Explanation) -> dict[str, Any]:
    topics = dialogue.knowledge.topics
    titles = {str(id): topic.title for id, topic in topics.items()}
    nearest = {ask.topic: ask for ask in reversed(why.nearest)}
    ranked = [
        {
            "id": item.topic,
            "title": titles.get(item.topic, item.topic),
            "score": round(item.score, 3),
            "ask": nearest[item.topic].text if item.topic in nearest else "",
            "likeness": round(nearest[item.topic].likeness, 2) if item.topic in nearest else None,
        }
        for item in why.ranked[:_RANKED]
    ]
    return {
        "read": why.read_as,
        "repaired": [f"{typed} → {read}" for typed, read in why.repaired],
        "gate": round(why.gate, 2),
        "answer": round(why.thresholds.answer, 2),
        "offer": round(why.thresholds.offer, 2),
        "ranked": ranked,
        "words": [f"{word.text} {word.weight:+.2f}" for word in why.words],
        "parts": [
            f"“{part.text}”: {part.ranked[0].topic} ({part.gate:.2f})"
            for part in why.parts
            if part.ranked and len(why.parts) > 1
        ],
    }
