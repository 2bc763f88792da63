"""Say what is right or wrong with how the operator has set up the bot, beyond what the platforms tell."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.platforms.diagnosis import Diagnosis, Level

_SETTINGS, _KNOWLEDGE = "Settings", "Knowledge"


def of_operator(contact: str | None, privacy_url: str | None) -> tuple[Diagnosis, ...]:
    """Return whether people are told whom to ask about their data; both platforms' terms demand it."""
    missing = {
        "BOT_CONTACT": ("whom to write to about their data", "an e-mail address or a page", contact),
        "BOT_PRIVACY_URL": (
            "where the whole privacy policy stands",
            "the address of PRIVACY.md as you publish it",
            privacy_url,
        ),
    }
    found = tuple(
        Diagnosis(
            _SETTINGS,
            Level.WRONG,
            f"{name} is not set, so /privacy cannot say {what}, which the terms of Discord and Telegram ask for; set it "
            f"to {remedy}.",
        )
        for name, (what, remedy, value) in missing.items()
        if not value
    )
    return found or (Diagnosis(_SETTINGS, Level.FINE, "/privacy names a contact and the privacy policy."),)


def of_tokens(tokens: Mapping[str, bool]) -> tuple[Diagnosis, ...]:
    """Return whether there is a platform to serve; `tokens` tells by variable whether it is set."""
    if not any(tokens.values()):
        return (
            Diagnosis(
                _SETTINGS,
                Level.WRONG,
                f"No platform has a token, so nobody can ask the bot; set {' or '.join(tokens)} (see .env.example).",
            ),
        )
    return tuple(
        Diagnosis(_SETTINGS, Level.HINT, f"{name} is not set, so that platform is left out.")
        for name, is_set in tokens.items()
        if not is_set
    )


def of_variables(misspelt: Iterable[tuple[str, str]]) -> tuple[Diagnosis, ...]:
    """Return which variables have no effect."""
    return tuple(
        Diagnosis(
            _SETTINGS,
            Level.WRONG,
            f"{name} is set, but nobody knows it, so it has no effect; did you mean {meant}?",
        )
        for name, meant in misspelt
    )


def of_ledger_key(path: Path | None) -> Diagnosis:
    """Return whether messages to the editors can be kept, and who else could read the key to them."""
    if path is None:
        return Diagnosis(
            _SETTINGS,
            Level.HINT,
            "BOT_LEDGER_KEY_FILE is not set, so people cannot hand a message to the editors; name a file for the key if "
            "they shall.",
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Diagnosis(
            _SETTINGS,
            Level.WRONG,
            f"BOT_LEDGER_KEY_FILE names a file that cannot be read ({error.strerror}), so no message to the editors can be "
            "kept; correct the path or its permissions.",
        )
    if mode & stat.S_IRWXG and not mode & stat.S_IRWXO:
        # So it is where a secret is handed to a container by its group.
        return Diagnosis(
            _SETTINGS,
            Level.HINT,
            "A group on this machine can read the key of the ledger; where the bot is not alone in it, run chmod 600 on "
            "the file that BOT_LEDGER_KEY_FILE names.",
        )
    if mode & stat.S_IRWXO:
        return Diagnosis(
            _SETTINGS,
            Level.WRONG,
            "Others on this machine can read the file that BOT_LEDGER_KEY_FILE names, and with it what people told the "
            "editors; run chmod 600 on it.",
        )
    return Diagnosis(_SETTINGS, Level.FINE, "The key of the ledger is readable by the bot alone.")


def of_shared_state(fault: str | None) -> Diagnosis:
    """Return whether the server answers through which processes share their state; `fault` tells in a sentence why not."""
    if fault:
        return Diagnosis(
            _SETTINGS,
            Level.WRONG,
            f"{fault} People are answered all the same, but a process that starts takes none of Discord's connections that "
            "are shared out; look at that server, and at its address in BOT_STATE.",
        )
    return Diagnosis(_SETTINGS, Level.FINE, "The server that BOT_STATE names answers.")


def of_state_file(path: Path) -> Diagnosis:
    """Return whether the file that keeps the state can be written, or made where it is not there yet."""
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    # SQLite puts files of its own beside it.
    is_writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    if not is_writable or (os.path.lexists(path) and not (path.is_file() and os.access(path, os.R_OK | os.W_OK))):
        return Diagnosis(
            _SETTINGS,
            Level.WRONG,
            f"Nothing can be kept in {path}, so what is counted is lost when the bot stops; let the bot's user write the file "
            "and its folder, or name another one in BOT_STATE.",
        )
    return Diagnosis(_SETTINGS, Level.FINE, f"What is kept can be written to {path}.")


def of_knowledge(errors: int, findings: int) -> Diagnosis:
    """Return whether the knowledge can be loaded, and what editors have left to do."""
    if errors:
        return Diagnosis(
            _KNOWLEDGE,
            Level.WRONG,
            f"The knowledge has errors ({errors}), so the bot does not start with it; privacy-bot check lists them.",
        )
    if findings:
        return Diagnosis(
            _KNOWLEDGE,
            Level.HINT,
            f"The knowledge has findings ({findings}), which stop nothing; privacy-bot check --dates lists them.",
        )
    return Diagnosis(_KNOWLEDGE, Level.FINE, "The knowledge has neither errors nor findings.")


def of_unasked(*, delete_webhook: bool) -> Diagnosis:
    """Return that the platforms could not be asked, since what they should show stands in the knowledge."""
    if delete_webhook:
        return Diagnosis(
            _KNOWLEDGE,
            Level.WRONG,
            "The platforms were not asked, and the webhook was not touched; mend the knowledge, then run this again.",
        )
    return Diagnosis(
        _KNOWLEDGE, Level.HINT, "The platforms were not asked; mend the knowledge, then run this again to hear of them."
    )
