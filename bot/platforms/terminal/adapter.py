"""Hold the conversation in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import File, Prompt, Question, Reply
from bot.dialogue.state import COMMANDS, Action, State, decode
from bot.platforms.terminal.render import render, safe

_CONVERSATION = "terminal"


class TerminalChat:
    """A conversation: `read` returns the next line for a prompt and raises EOFError at the end.

    Files that come with a reply are written into `folder`, and only when their number is chosen.
    """

    def __init__(self, dialogue: Dialogue, console: Console, read: Callable[[str], str], folder: Path = Path()) -> None:
        self._dialogue = dialogue
        self._console = console
        self._read = read
        self._folder = folder
        self._codes: tuple[str, ...] = ()
        self._files: tuple[File, ...] = ()
        self._quote = ""
        self._prompt: Prompt | None = None
        self._written: list[str] = []

    def run(self) -> None:
        """Talk until the input ends."""
        texts = self._dialogue.knowledge.texts.terminal
        self._show(self._dialogue.show(State(Action.START)))
        self._console.print(Text(f"\n{texts.greeting}", style="dim"))
        while True:
            try:
                line = self._read(f"{texts.write_prompt} " if self._prompt else f"\n{texts.prompt} ").strip()
            except (EOFError, KeyboardInterrupt):
                self._console.print(Text(f"\n{texts.goodbye}", style="dim"))
                return
            if command := _command(line):
                self._prompt = None
                self._show(self._dialogue.show(command))
            elif self._prompt:
                self._take(self._prompt, line)
            elif line:
                self._answer(line)

    def _answer(self, line: str) -> None:
        if line.isascii() and line.isdigit():
            self._choose(int(line[:9]))
        else:
            self._show(self._dialogue.ask(Question(line, _CONVERSATION)))

    def _choose(self, number: int) -> None:
        """Press the button of a number, or save the file of one: files are numbered after the buttons."""
        if 0 < number <= len(self._codes):
            self._press(self._codes[number - 1])
        elif 0 < number - len(self._codes) <= len(self._files):
            self._save(self._files[number - len(self._codes) - 1])
        else:
            self._console.print(Text(self._dialogue.knowledge.texts.terminal.no_button.format(number=number)))

    def _press(self, code: str) -> None:
        state = decode(code)
        reply = self._dialogue.press(code, _CONVERSATION, self._quote)
        if state and state.action is Action.WRITE and reply.prompt:
            self._begin(reply, reply.prompt)
        else:
            self._show(reply)

    def _begin(self, reply: Reply, prompt: Prompt) -> None:
        """Ask for a text: what comes next is not a question, up to an empty line."""
        self._show(Reply(reply.kind, reply.title, reply.sections))
        self._prompt, self._written = prompt, []
        asked = f"{safe(prompt.label)} ({safe(prompt.hint)})" if prompt.hint else safe(prompt.label)
        self._console.print(Text(f"\n{asked}", style="bold"))
        self._console.print(Text(self._dialogue.knowledge.texts.terminal.write, style="dim"))

    def _take(self, prompt: Prompt, line: str) -> None:
        """Take one more line of a text; an empty one ends it."""
        if line:
            self._written.append(line)
            return
        text = "\n".join(self._written)
        self._prompt, self._written = None, []
        self._show(self._dialogue.submit(prompt.code, text))

    def _show(self, reply: Reply | None) -> None:
        if reply is None:
            reply = self._dialogue.press("")
        drawn = render(reply)
        self._codes, self._files, self._quote = drawn.codes, reply.files, reply.quote
        self._console.print()
        self._console.print(drawn.printed, crop=False)
        for number, file in enumerate(self._files, len(self._codes) + 1):
            label = self._dialogue.knowledge.texts.terminal.save.format(name=safe(file.name))
            self._console.print(Text.assemble((f"[{number}]", "bold green"), f" {label}"))

    def _save(self, file: File) -> None:
        texts = self._dialogue.knowledge.texts.terminal
        try:
            path = _saved(self._folder, file)
        except OSError:
            self._console.print(Text(texts.not_saved.format(name=file.name)))
        else:
            self._console.print(Text(texts.saved.format(path=path)), soft_wrap=True)


def _command(line: str) -> State | None:
    """Return what a command shows, whatever stands behind it."""
    word = line.lower().split(maxsplit=1)[0] if line else ""
    return COMMANDS.get(word.removeprefix("/")) if word.startswith("/") else None


def _saved(folder: Path, file: File) -> Path:
    """Write a file under its name, or the next one that is free; returns where. Raises OSError."""
    name = Path(Path(file.name).name)
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{name.stem}-{number}{name.suffix}")
        try:
            with path.open("xb") as stream:
                stream.write(file.content)
        except FileExistsError:
            number += 1
        else:
            return path.resolve()
