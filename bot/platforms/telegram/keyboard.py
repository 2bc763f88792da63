"""Lay out the buttons under a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telegram import CopyTextButton, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bot.dialogue.model import Button, CopyButton, Key, LinkButton, Prompt, Reply
from bot.knowledge.texts import Texts
from bot.platforms.telegram.limits import BUTTONS, CALLBACK_DATA, COPY_TEXT, LABEL, PLACEHOLDER, SHORT_LABEL
from bot.platforms.telegram.safety import safe, safe_url
from bot.platforms.wording import one_line, shortened, units

Row = tuple[InlineKeyboardButton, ...]


def build(reply: Reply, texts: Texts, *, pages: int, page: int) -> InlineKeyboardMarkup | None:
    """Return the buttons of a reply, those that turn its pages first; None where it has none."""
    turning: list[Button] = []
    for step, label in ((page - 1, texts.buttons.back), (page + 1, texts.buttons.more)):
        if 0 <= step < pages and (code := reply.page(step)):
            turning.append(Button(label, code))
    rows = reply.rows
    if reply.prompt:
        rows = ((Button(reply.prompt.button, reply.prompt.code),), *rows)
    if reply.erase:
        rows = (*rows[:-1], (Button(texts.buttons.erase, reply.erase),), *rows[-1:])
    return _markup(_drawn((tuple(turning), *rows)))


def ask_for(prompt: Prompt) -> ForceReply:
    """Return what opens the reply field for words of one's own; no button can stand beside it."""
    return ForceReply(input_field_placeholder=shortened(one_line(safe(prompt.hint)), PLACEHOLDER) or None)


def links(reply: Reply, texts: Texts, home: str) -> InlineKeyboardMarkup | None:
    """Return the links of a reply, and one that leads to the bot itself at `home`."""
    rows = tuple(tuple(key for key in row if isinstance(key, LinkButton)) for row in reply.rows)
    return _markup(_drawn((*rows, (LinkButton(texts.buttons.ask_privately, home),))))


def _drawn(groups: Iterable[tuple[Key, ...]]) -> list[list[Row]]:
    """Return the rows of each group; what Telegram would refuse, and what is there twice, is left out."""
    seen: set[str] = set()
    drawn: list[list[Row]] = []
    for group in groups:
        keys: list[InlineKeyboardButton] = []
        for key in group:
            button = _button(key)
            if button and (does := str(button.callback_data or button.url or button.copy_text)) not in seen:
                seen.add(does)
                keys.append(button)
        if keys:
            drawn.append(list(_rows(keys)))
    return drawn


def _button(key: Key) -> InlineKeyboardButton | None:
    label = shortened(one_line(safe(key.label)), LABEL)
    if not label:
        return None
    if isinstance(key, CopyButton):
        fits = 0 < units(key.text) <= COPY_TEXT
        return InlineKeyboardButton(label, copy_text=CopyTextButton(key.text)) if fits else None
    if isinstance(key, LinkButton):
        url = safe_url(key.url)
        return InlineKeyboardButton(label, url=url) if url else None
    fits = 0 < len(key.code.encode(errors="replace")) <= CALLBACK_DATA
    return InlineKeyboardButton(label, callback_data=key.code) if fits else None


def _rows(keys: list[InlineKeyboardButton]) -> Iterator[Row]:
    """Yield two buttons a row where both are short, else one."""
    at = 0
    while at < len(keys):
        pair = keys[at : at + 2]
        if len(pair) == 2 and all(len(key.text) <= SHORT_LABEL for key in pair):
            yield tuple(pair)
            at += 2
        else:
            yield (keys[at],)
            at += 1


def _markup(groups: list[list[Row]]) -> InlineKeyboardMarkup | None:
    """Return at most as many buttons as Telegram takes; the last group, which leads to the menu, stays."""
    if not groups:
        return None
    last = groups[-1]
    room = BUTTONS - sum(map(len, last))
    rows: list[Row] = []
    for row in (row for group in groups[:-1] for row in group):
        if len(row) <= room:
            rows.append(row)
            room -= len(row)
    kept: list[Row] = []
    room = BUTTONS - sum(map(len, rows))
    for row in last:
        if len(row) <= room:
            kept.append(row)
            room -= len(row)
    return InlineKeyboardMarkup([*rows, *kept])
