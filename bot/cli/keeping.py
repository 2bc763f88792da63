"""Show the editors what people said, and back up what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.base import USAGE, app, console, number, stop, the_dialogue, the_settings

if TYPE_CHECKING:
    from bot.service.sealing import Seal
    from bot.service.store import Counted, Sealed
    from bot.settings import Settings


@app.command()
def ledger(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="The messages as JSON lines, as `privacy-bot suggest -` reads them.")
    ] = False,
) -> None:
    """Show whether answers helped, by topic, and the messages to the editors, grouped by likeness."""
    from bot.app import build_seal

    settings = the_settings()
    counts, sealed = _kept(settings)
    texts, locked = _opened(sealed, build_seal(settings))
    if as_json:
        for day, text in texts:
            typer.echo(json.dumps({"text": text, "count": 1, "day": day}, ensure_ascii=False))
    else:
        _show(settings, counts, texts)
    if locked:
        remedy = (
            "set BOT_LEDGER_KEY_FILE" if settings.bot_ledger_key_file is None else "they need the key of their time"
        )
        typer.echo(f"{number(locked, 'message')} cannot be read: {remedy}.", err=True)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.", dir_okay=False)],
) -> None:
    """Copy the store beside the running bot, with what its file does not hold yet."""
    from bot.service.store import StoreError
    from bot.service.store_sqlite import back_up

    state = the_settings().bot_state
    if state.path is None:
        remedy = (
            "a server backs itself up: valkey-cli --rdb FILE" if state.kind == "redis" else "memory:// keeps nothing"
        )
        stop(f"BOT_STATE names no file, so there is nothing to copy here; {remedy}.", USAGE)
    try:
        size = back_up(state.path, file)
    except StoreError as error:
        stop(str(error), USAGE)
    typer.echo(f"{file} holds the whole store of {state.path} ({size:,} bytes).")


def _kept(settings: Settings) -> tuple[Mapping[Counted, int], Sequence[Sealed]]:
    from bot.app import build_store
    from bot.service.store import StoreError

    if settings.bot_state.path is not None and not settings.bot_state.path.exists():
        return {}, []

    async def read() -> tuple[Mapping[Counted, int], Sequence[Sealed]]:
        store = build_store(settings)
        try:
            return await store.counts(), await store.messages()
        finally:
            await store.close()

    try:
        return asyncio.run(read())
    except StoreError as error:
        stop(str(error), USAGE)


def _opened(sealed: Sequence[Sealed], seal: Seal | None) -> tuple[list[tuple[str, str]], int]:
    """Return day and text of the messages that can be read, and how many cannot."""
    from bot.service.sealing import UnsealError

    if seal is None:
        return [], len(sealed)
    texts: list[tuple[str, str]] = []
    for message in sealed:
        with contextlib.suppress(UnsealError):
            texts.append((message.day.isoformat(), seal.unseal(message.text, message.receipt)))
    return texts, len(sealed) - len(texts)


def _show(settings: Settings, counts: Mapping[Counted, int], texts: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table

    by_topic: dict[str, dict[str, int]] = {}
    for counted, times in counts.items():
        said = by_topic.setdefault(counted.topic, {})
        said[counted.what] = said.get(counted.what, 0) + times
    if by_topic:
        table = Table(box=None, pad_edge=False)
        for title, side in (("topic", "left"), ("helped", "right"), ("didn't", "right")):
            table.add_column(title, justify=side)  # type: ignore[arg-type]
        for topic, said in sorted(by_topic.items(), key=lambda item: (-item[1].get("didnt", 0), item[0])):
            table.add_row(topic, str(said.get("helped", 0)), str(said.get("didnt", 0)))
        console().print(table)
    else:
        typer.echo("Nobody has said yet whether an answer helped.")
    if not texts:
        typer.echo("No message to the editors can be shown.")
        return
    from bot.matching.encoder import Encoder
    from bot.workshop.clusters import Message, clusters, listed

    dialogue = the_dialogue(settings)
    told = [Message(text) for text in dict.fromkeys(text for _, text in texts)]
    titles = {str(id): topic.title for id, topic in dialogue.knowledge.topics.items()}
    console().print(listed(clusters(told, dialogue.mind.matcher, Encoder.load(), lambda _done, _of: None), titles))
