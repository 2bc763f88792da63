"""Offer answers while somebody types our name in any chat (inline mode)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telegram import InlineQueryResultArticle, InlineQueryResultsButton, InputTextMessageContent, LinkPreviewOptions
from telegram.constants import ParseMode

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Part, Question, Reply
from bot.dialogue.screens import FIRST_TOPICS
from bot.dialogue.state import Action, State
from bot.platforms.telegram.events import deep_link, payload
from bot.platforms.telegram.limits import DEEP_LINK, RESULT_ID
from bot.platforms.telegram.render import Drawn, render_elsewhere, title_of
from bot.platforms.telegram.safety import safe
from bot.platforms.wording import one_line, shortened

MOST_RESULTS = 10
"""What fits a screen or two; Telegram would take fifty."""

DESCRIPTION = 120
"""Characters under a result's title; two lines are shown."""

_SUGGESTED = 50
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True)
class Offer:
    """The answers to offer, by the id of their result, and the button that leads to our private chat."""

    answers: tuple[tuple[str, Reply, Drawn], ...]
    button: InlineQueryResultsButton

    def results(self, *, html: bool) -> list[InlineQueryResultArticle]:
        """Return the results as Telegram takes them; without `html` as plain text."""
        return [_article(id, reply, drawn, html=html) for id, reply, drawn in self.answers]


def offer(dialogue: Dialogue, typed: str, username: str) -> Offer:
    """Return the answers that fit what is typed, the best first; the main topics where nothing is."""
    texts = dialogue.knowledge.texts
    answers = tuple(
        (payload(state)[:RESULT_ID], reply, render_elsewhere(reply, texts, deep_link(username, state)))
        for state, reply in _replies(dialogue, typed)
    )
    menu = payload(State(Action.MENU))[:DEEP_LINK]
    return Offer(answers, InlineQueryResultsButton(texts.buttons.ask_privately, start_parameter=menu))


def _replies(dialogue: Dialogue, typed: str) -> Iterator[tuple[State, Reply]]:
    for state in _states(dialogue, typed)[:MOST_RESULTS]:
        if reply := dialogue.show(state):
            yield state, reply


def _states(dialogue: Dialogue, typed: str) -> Sequence[State]:
    if not typed.strip():
        first = [id for id in FIRST_TOPICS if id in dialogue.knowledge.topics]
        rest = [suggestion.topic for suggestion in dialogue.suggest("", _SUGGESTED)]
        return [State(Action.SHOW, id) for id in dict.fromkeys((*first, *rest))]
    reply = dialogue.ask(Question(typed))
    ids = [ranked.topic for ranked in reply.topics] + list(reply.offered)
    ids += [suggestion.topic for suggestion in dialogue.suggest(typed, _SUGGESTED)]
    return [State(Action.SHOW, id, reply.device, reply.place) for id in dict.fromkeys(ids)]


def _article(id: str, reply: Reply, drawn: Drawn, *, html: bool) -> InlineQueryResultArticle:
    content = InputTextMessageContent(
        drawn.html if html else drawn.plain,
        parse_mode=ParseMode.HTML if html else None,
        link_preview_options=_NO_PREVIEW,
    )
    return InlineQueryResultArticle(
        id,
        title_of(reply),
        content,
        reply_markup=drawn.keyboard,
        description=shortened(_first_words(reply), DESCRIPTION),
    )


def _first_words(reply: Reply) -> str:
    for section in reply.sections:
        if section.part is Part.ANSWER:
            for block in section.blocks:
                lines = block.lines if hasattr(block, "lines") else (block.line,)
                return one_line(safe("".join(span.text for line in lines for span in line)))
    return ""
