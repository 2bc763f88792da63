"""Lay out the buttons under a message: five rows of five, long lists as menus to choose from."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from bot.dialogue.model import Button, CopyButton, Key, Kind, LinkButton, Reply
from bot.dialogue.state import Action, decode
from bot.knowledge.texts import Texts
from bot.platforms.discord.limits import BUTTONS_IN_ROW, CUSTOM_ID, LABEL, OPTION_LABEL, OPTIONS, PLACEHOLDER, ROWS
from bot.platforms.discord.safety import safe, safe_url
from bot.platforms.wording import one_line, shortened, units

Shown = Button | LinkButton
Group = tuple[Shown, ...]
Component = Mapping[str, Any]

_ACTION_ROW, _BUTTON, _SELECT = 1, 2, 3
_PRIMARY, _SECONDARY, _LINK = 1, 2, 5
MOST_AS_BUTTONS = 10
"""Buttons of one list that are still quicker to read than a menu to choose from."""

SELECT = "choose"
"""Beginning of a menu's own id; what is chosen carries the state."""

_FEEDBACK = frozenset({Action.HELPED, Action.DIDNT, Action.EDITORS})


def build(reply: Reply, texts: Texts, *, pages: int, page: int, share: bool) -> tuple[Component, ...]:
    """Return the rows of a reply's buttons; the last row turns pages, shares, and leads to the menu.

    What begins something comes first: the prompt's form, below an answer the guide. What people say about an
    answer comes before the last row, or in it. Where not everything fits, lists become menus to choose from and
    are put together, the longest first, and only then links and at last further lists are left out; the first
    keys, the feedback and the last row always stay.
    """
    prompt = (Button(reply.prompt.button, reply.prompt.code),) if reply.prompt else ()
    groups = _unique([prompt, *reply.rows] if prompt else reply.rows)
    turning: list[Shown] = []
    for step, label in ((page - 1, texts.buttons.back), (page + 1, texts.buttons.more)):
        if 0 <= step < pages and (code := reply.page(step)):
            turning.append(Button(label, code))
    if share and reply.share:
        turning.append(Button(texts.buttons.share, reply.share))
    menu = next((key for group in groups for key in group if _leads_to_menu(key)), None)
    foot = _unique([(*turning, menu) if menu else tuple(turning)])
    rest = _unique([*foot, *groups])[len(foot) :]
    begins = [Action.WRITE] if prompt else []
    if reply.kind is Kind.ANSWER:
        begins.append(Action.GUIDE)
    head = _taken(rest, begins)
    feedback = _taken(rest, _FEEDBACK)
    rest = [left for group in rest if (left := tuple(key for key in group if key not in {*head, *feedback}))]
    here = reply.state.topic if reply.state else ""
    rows = _laid_out(head, rest, feedback, foot, here)
    return tuple(_drawn(row, index, texts, head) for index, row in enumerate(rows))


def _taken(groups: Iterable[Group], actions: Container[Action]) -> Group:
    """Return the buttons of some actions, at most one row of them."""
    found = tuple(key for group in groups for key in group if _action(key) in actions)
    return found[:BUTTONS_IN_ROW]


def _action(key: Shown) -> Action | None:
    state = decode(key.code) if isinstance(key, Button) else None
    return state.action if state else None


def _laid_out(head: Group, rest: Sequence[Group], feedback: Group, foot: Sequence[Group], here: str) -> list[Group]:
    """Return all rows: the feedback has one of its own where that costs no list its buttons."""
    before = [head] if head else []
    after = [feedback] if feedback else []
    room = ROWS - len(foot)
    rows = _joined([row for group in (*before, *rest, *after) for row in _rows(group)], room)
    if len(rows) <= room:
        return [*rows, *foot]
    if feedback and foot and len(feedback) + len(foot[0]) <= BUTTONS_IN_ROW:
        return [*_fitted(head, rest, room, here), feedback + foot[0]]
    return [*_fitted(head, rest, room - len(after), here), *after, *foot]


def _unique(groups: Iterable[tuple[Key, ...]]) -> list[Group]:
    """Return the groups without what Discord would refuse and what is there twice."""
    seen: set[str] = set()
    kept: list[Group] = []
    for group in groups:
        keys: list[Shown] = []
        for key in group:
            if isinstance(key, CopyButton):
                # Discord has no such button; what is to be copied stands in a block of code.
                continue
            label = one_line(safe(key.label))
            target = safe_url(key.url) if isinstance(key, LinkButton) else key.code
            if not label or not target or units(target) > 512 or target in seen:
                continue
            if isinstance(key, Button) and (len(target) > CUSTOM_ID or target.startswith(SELECT)):
                continue
            seen.add(target)
            keys.append(key)
        if keys:
            kept.append(tuple(keys))
    return kept


def _leads_to_menu(key: Shown) -> bool:
    """Tell the button that leads to the whole menu, from which everything else can be reached."""
    state = decode(key.code) if isinstance(key, Button) else None
    return state is not None and state.action is Action.MENU and not state.step


def _fitted(head: Group, groups: Sequence[Group], room: int, here: str) -> list[Group]:
    """Return at most `room` rows: a row of more than five keys is drawn as a menu to choose from."""
    rows = [*([head] if head else []), *(row for group in groups for row in _rows(group))]
    rows = _joined(rows, room)
    if len(rows) <= room:
        return rows
    return _joined(_chosen(head, groups, room, here), room)[:room]


def _rows(group: Group) -> list[Group]:
    """Return a list as rows of buttons, or as menus of twenty-five where that would be too many."""
    links = tuple(key for key in group if isinstance(key, LinkButton))
    buttons = tuple(key for key in group if isinstance(key, Button))
    if len(buttons) <= MOST_AS_BUTTONS:
        return list(_cut(group, BUTTONS_IN_ROW))
    return [*_cut(links, BUTTONS_IN_ROW), *_cut(buttons, OPTIONS)]


def _cut(group: Group, size: int) -> Iterable[Group]:
    # Equal rows look tidier than one full and one with a single button.
    count = -(-len(group) // size)
    start = 0
    for index in range(count):
        length = -(-(len(group) - start) // (count - index))
        yield group[start : start + length]
        start += length


def _joined(rows: list[Group], room: int) -> list[Group]:
    """Put neighbouring rows into one where they fit, the shortest first, until there is room."""
    rows = list(rows)
    while len(rows) > room:
        pairs = [
            (len(rows[at]) + len(rows[at + 1]), at)
            for at in range(len(rows) - 1)
            if len(rows[at]) + len(rows[at + 1]) <= BUTTONS_IN_ROW
        ]
        if not pairs:
            return rows
        _, at = min(pairs)
        rows[at : at + 2] = [rows[at] + rows[at + 1]]
    return rows


def _chosen(head: Group, groups: Sequence[Group], room: int, here: str) -> list[Group]:
    """Return rows in which lists are put together as menus, until there is room.

    Lists of other topics than the one `here` go first, then the longest.
    Links cannot stand in a menu, and what comes first shall not: they keep one row, or more where there is room.
    """
    links = (*head, *(key for group in groups for key in group if isinstance(key, LinkButton)))
    lists: list[Group] = [
        buttons for group in groups if (buttons := tuple(key for key in group if isinstance(key, Button)))
    ]
    link_rows = [links[at : at + BUTTONS_IN_ROW] for at in range(0, len(links), BUTTONS_IN_ROW)]

    def height() -> int:
        return len(link_rows) + sum(max(1, len(_as_rows(keys))) for keys in lists)

    # A list of two rows of buttons is one menu.
    while height() > room and len(lists) > 1:
        longest = sorted(range(len(lists)), key=lambda at: (_leads_back(lists[at], here), -len(lists[at]), -at))
        pair = next(
            (
                (a, b)
                for i, a in enumerate(longest)
                for b in longest[i + 1 :]
                if len(lists[a]) + len(lists[b]) <= OPTIONS
            ),
            None,
        )
        if pair is None:
            break
        first, second = sorted(pair)
        lists[first] = lists[first] + lists.pop(second)
    menus = [row for keys in lists for row in _as_rows(keys)]
    link_rows = link_rows[: max(1 if link_rows else 0, room - len(menus))]
    return [*link_rows, *menus[: max(0, room - len(link_rows))]]


def _leads_back(keys: Group, here: str) -> bool:
    """Tell whether a list is about the topic that is shown: its devices, places or sources."""
    states = [decode(key.code) for key in keys if isinstance(key, Button)]
    return any(state is not None and state.topic == here for state in states)


def _as_rows(keys: Group) -> list[Group]:
    return [keys] if len(keys) <= BUTTONS_IN_ROW else list(_cut(keys, OPTIONS))


def _drawn(row: Group, index: int, texts: Texts, head: Group) -> Component:
    if len(row) > BUTTONS_IN_ROW:
        return _select(row, index, texts)
    return {"type": _ACTION_ROW, "components": [_button(key, _PRIMARY if key in head else _SECONDARY) for key in row]}


def _button(key: Shown, style: int) -> Component:
    label = shortened(one_line(safe(key.label)), LABEL)
    if isinstance(key, LinkButton):
        return {"type": _BUTTON, "style": _LINK, "label": label, "url": key.url}
    return {"type": _BUTTON, "style": style, "label": label, "custom_id": key.code}


def _select(row: Group, index: int, texts: Texts) -> Component:
    options = [
        {"label": shortened(one_line(safe(key.label)), OPTION_LABEL), "value": key.code}
        for key in row
        if isinstance(key, Button)
    ]
    select = {
        "type": _SELECT,
        "custom_id": f"{SELECT}:{index}",
        "placeholder": shortened(texts.discord.choose, PLACEHOLDER),
        "options": options,
    }
    return {"type": _ACTION_ROW, "components": [select]}
