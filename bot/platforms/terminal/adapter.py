"""Hold the conversation in a terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question, Reply
from bot.dialogue.state import Action, State
from bot.platforms.terminal.render import render

_CONVERSATION = "terminal"
_COMMANDS = {
    "/start": Action.START,
    "/help": Action.HELP,
    "/about": Action.ABOUT,
    "/privacy": Action.PRIVACY,
    "/topics": Action.MENU,
}


class TerminalChat:
    """A conversation: `read` returns the next line for a prompt and raises EOFError at the end."""

    def __init__(self, dialogue: Dialogue, console: Console, read: Callable[[str], str]) -> None:
        self._dialogue = dialogue
        self._console = console
        self._read = read
        self._codes: tuple[str, ...] = ()

    def run(self) -> None:
        """Talk until the input ends."""
        texts = self._dialogue.knowledge.texts.terminal
        self._show(self._dialogue.show(State(Action.START)))
        self._console.print(Text(f"\n{texts.greeting}", style="dim"))
        while True:
            try:
                line = self._read(f"\n{texts.prompt} ").strip()
            except (EOFError, KeyboardInterrupt):
                self._console.print(Text(f"\n{texts.goodbye}", style="dim"))
                return
            if line:
                self._answer(line)

    def _answer(self, line: str) -> None:
        if line.isascii() and line.isdigit():
            number = int(line[:9])
            if not 0 < number <= len(self._codes):
                self._console.print(Text(self._dialogue.knowledge.texts.terminal.no_button.format(number=number)))
                return
            self._show(self._dialogue.press(self._codes[number - 1], _CONVERSATION))
        elif action := _COMMANDS.get(line.lower().split(maxsplit=1)[0]):
            self._show(self._dialogue.show(State(action)))
        else:
            self._show(self._dialogue.ask(Question(line, _CONVERSATION)))

    def _show(self, reply: Reply | None) -> None:
        if reply is None:
            return
        drawn = render(reply)
        self._codes = drawn.codes
        self._console.print()
        self._console.print(drawn.printed)
