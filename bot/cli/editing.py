"""Check the knowledge and draw what people see of it: the commands for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.base import FINDINGS, app, line, number, relative, the_dialogue, the_settings


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="The knowledge folder; BOT_KNOWLEDGE where left out.", show_default=False)
    ] = None,
    *,
    dates: Annotated[
        bool, typer.Option("--dates", help="Also report what depends on today's date: overdue reviews.")
    ] = False,
) -> None:
    """Report errors and findings in the knowledge, a line each."""
    from bot.service.clock import today
    from bot.workshop.check import check_folder

    shown = folder or the_settings().bot_knowledge
    root = relative(shown)
    found = check_folder(shown, today() if dates else None)
    for finding in found:
        typer.echo(line(root, finding))
    if found:
        errors = sum(finding.severity == "error" for finding in found)
        typer.echo(f"{number(errors, 'error')}, {number(len(found) - errors, 'finding')}", err=True)
        raise typer.Exit(FINDINGS)


@app.command(hidden=True)
def picture() -> None:
    """Draw the README's picture of an answer anew."""
    from bot.workshop.picture import FILE, picture

    FILE.write_text(picture(the_dialogue(the_settings())), encoding="utf-8")
    typer.echo(f"Drew {FILE}.")
