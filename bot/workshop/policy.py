"""Write PRIVACY.md from the texts of /privacy, so that the two never say different things."""

from __future__ import annotations

from pathlib import Path

from bot.knowledge.loader import load
from bot.knowledge.texts import Kept, Texts

FILE = Path("PRIVACY.md")

_ROWS = {
    "last_topic": ("The topic of the last answer", "memory of the process", "10 minutes"),
    "flood": (
        "How often something was asked or pressed",
        "memory, or Redis with an expiry; never a file",
        "10 minutes",
    ),
    "updates": ("Numbers of Telegram's updates", "memory, or Redis with an expiry", "24 hours"),
    "counts": ("Counts by topic and day", "the store", "400 days"),
    "messages": (
        "A message that you gave to the editors",
        "the store, encrypted with a key outside it",
        "180 days, or until you press “Delete it”",
    ),
}
"""What is kept, where and until when, by its key in texts.yaml (design, section 6)."""

_HEAD = """\
<!-- Written by `make privacy` from knowledge/texts.yaml; change it there. -->

# Privacy

This is what the program keeps. **Whoever runs it is responsible for it**, and is named by `/privacy` in the chat (`BOT_CONTACT`, `BOT_PRIVACY_URL`). An operator who publishes this page adds their name, their address, and whatever their own servers keep besides.

{disclaimer}

## What is kept

{opening}

| what | where | until |
|---|---|---|
{rows}

{told}

Messages to the editors are taken only where the operator has made a key (`BOT_LEDGER_KEY_FILE`). With `BOT_STATE=memory://` counts end with the process.

## What is not kept

- No user number, name, chat number or text stands in a log, a metric, a file or the store, but for such a message. Tests search all of them for what was typed.
- A letter and what you write into it live for one reply. Words that a button needs again stand in your own chat, and are read from there.
- Nothing is used to train anything, handed on, or sold. Nothing is read but what is meant for the bot.
- An error is logged by its kind and place in the code, with a short random reference that you are shown, and without what you wrote.

## Others

{platforms}

Your operator's server provider may log addresses of connections. These are those of Discord and Telegram, not yours.

## Your rights

Nothing that is kept names you, so nobody can look up what is yours. A message that you gave to the editors is deleted by the button under its receipt, at once. For everything else write to the operator, whom `/privacy` names.
"""


def page(texts: Texts) -> str:
    """Return PRIVACY.md."""
    privacy = texts.privacy
    rows = "\n".join(f"| {what} | {where} | {until} |" for what, where, until in _ROWS.values())
    told = "\n".join(f"- {getattr(privacy.kept, name)}" for name in _ROWS)
    return _HEAD.format(
        disclaimer=texts.disclaimer, opening=privacy.opening, rows=rows, told=told, platforms=privacy.platforms
    )


def missing() -> set[str]:
    """Return the rows of /privacy that the page does not have, or that it has beyond them."""
    return set(Kept.model_fields) ^ set(_ROWS)


def write(root: Path) -> None:
    """Write the file into the checkout `root`."""
    (root / FILE).write_text(page(load(root / "knowledge").texts), encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
