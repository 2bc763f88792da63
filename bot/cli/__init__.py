"""Offer every command of the project under one name."""

from __future__ import annotations

import errno
import os
import sys

import typer

from bot.cli import asking, diagnosing, editing, keeping, measuring, previewing, serving
from bot.cli.base import DONE, USAGE, app

__all__ = ["app", "asking", "diagnosing", "editing", "keeping", "main", "measuring", "previewing", "serving"]


def main() -> None:
    """Run the console command."""
    # A reader that goes away (`… | head`) is no fault.
    try:
        app(prog_name="privacy-bot")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None
    except OSError as error:
        # A full disk behind `… > file`, which Python notices at any write.
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO} or error.filename:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"The output cannot be written ({error.strerror}); make room or choose another file.\n")
        raise SystemExit(USAGE) from None


@app.callback(invoke_without_command=True)
def _bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
