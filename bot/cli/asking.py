"""Ask the bot one question, or one a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from bot.cli.base import USAGE, app, console, stop, the_dialogue, the_settings


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.", show_default=False)] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Explain the decision.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read a question a line, print a JSON line each.")] = False,
    dialogue: Annotated[
        bool, typer.Option("--dialogue", help="With --stdin: lines are one conversation, an empty line ends it.")
    ] = False,
) -> None:
    """Answer one question, or one a line."""
    if stdin == (question is not None):
        stop('Give either one question in quotes (privacy-bot ask "…") or --stdin.', USAGE)
    if dialogue and not stdin:
        stop("--dialogue goes with --stdin.", USAGE)
    if why and stdin:
        stop("--why explains one question; leave out --stdin.", USAGE)
    partner = the_dialogue(the_settings())
    from bot.workshop.asking import answered, conversation_lines, explained

    if stdin:
        lines = (line.removesuffix("\n").removesuffix("\r") for line in _stdin_lines())
        for line in (
            conversation_lines(partner, lines) if dialogue else (answered(partner, text).json() for text in lines)
        ):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        return
    assert question is not None
    # The shell passes on bytes that are no text; like those of a file they are replaced.
    question = question.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if as_json:
        typer.echo(answered(partner, question).json())
    else:
        from bot.platforms.terminal.render import render

        console().print(render(answered(partner, question).reply, numbered=False).printed, crop=False)
    if why:
        console(stderr=as_json).print(explained(partner, question))


def _stdin_lines() -> Iterator[str]:
    # A stray byte must not end a long run; it is replaced and the question is matched without it.
    for raw in iter(sys.stdin.buffer.readline, b"") if sys.stdin else ():
        yield raw.decode("utf-8", "replace")
