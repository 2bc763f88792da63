"""Show the knowledge in a browser while it is edited."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.base import USAGE, app, relative, stop, the_settings

if TYPE_CHECKING:
    from bot.knowledge.model import Knowledge
    from bot.matching.model import Matcher
    from bot.settings import Settings
    from bot.workshop.preview.live import Parts, Tell

_TURN = 0.001
"""Seconds for which a thread may compute while another one waits."""

_END_WITHIN = 2.0
"""Seconds from a signal to the end of the process."""


@app.command()
def preview(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 chooses a free one.")] = 8765,
) -> None:
    """Show every answer as people will see it, in a browser on this machine; Ctrl-C ends."""
    settings = the_settings()
    from bot.service.threads import one_thread

    one_thread()
    from bot.service.log import setup_logs
    from bot.workshop.preview.server import PortError

    setup_logs("console")
    # Checks and comparisons compute in threads; the page shall not wait for its turn beside them.
    sys.setswitchinterval(_TURN)
    try:
        asyncio.run(_serve(settings, port))
    except PortError as error:
        stop(str(error), USAGE)


async def _serve(settings: Settings, port: int) -> None:
    from bot.service.reload import changes_in
    from bot.workshop.preview.live import Live
    from bot.workshop.preview.server import HOST, PreviewServer

    parts = _parts(settings)
    checker = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _end_with_parent)
    live = Live(parts, checker)
    server = PreviewServer(live, parts)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, _end, ended)
    bound = await server.start(port)
    folder = relative(settings.bot_knowledge)
    typer.echo(f"The preview of {folder} is at http://{HOST}:{bound}/ (Ctrl-C ends).")
    following = asyncio.create_task(live.run(changes_in(settings.bot_knowledge)))
    ending = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((following, ending), return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        for task in (following, ending):
            task.cancel()
        await asyncio.gather(following, ending, return_exceptions=True)
        await server.stop()
        checker.shutdown(wait=False, cancel_futures=True)
        # Nobody waits any more for what is being checked.
        for child in multiprocessing.active_children():
            child.terminate()


def _end_with_parent() -> None:
    """Leave Ctrl-C, which reaches every process of the terminal, to the parent, and end when it does, however it ends."""
    parent = multiprocessing.parent_process()
    assert parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=end, daemon=True).start()


def _end(ended: asyncio.Event) -> None:
    from bot.service.ending import end_within

    ended.set()
    # A check that is under way in a thread would hold the end up for as long as it takes.
    end_within(_END_WITHIN)


def _parts(settings: Settings) -> Parts:
    """Join the preview with the parts that the bot itself is built from."""
    from bot.app import build_dialogue, fitted, mind_of, training
    from bot.knowledge.loader import load
    from bot.matching.heads import HeadsError
    from bot.service.clock import today
    from bot.service.log import logger
    from bot.service.reload import RefitError
    from bot.workshop.preview.live import Parts
    from bot.workshop.preview.nothing_kept import NothingKept

    async def learn(knowledge: Knowledge, tell: Tell) -> Matcher:
        with contextlib.suppress(HeadsError):
            return await asyncio.to_thread(fitted, settings, knowledge)
        await _fit(settings, tell)
        try:
            return await asyncio.to_thread(fitted, settings, knowledge)
        except HeadsError as error:
            raise RefitError(f"The new phrasings were fitted, but their file cannot be read ({error}).") from error

    return Parts(
        folder=settings.bot_knowledge,
        load=lambda: load(settings.bot_knowledge),
        remade=mind_of,
        digest=lambda knowledge: training(knowledge).digest(),
        learn=learn,
        dialogue=lambda mind: build_dialogue(mind, settings, NothingKept()),
        today=today,
        log=logger("bot.preview"),
    )


async def _fit(settings: Settings, tell: Tell) -> None:
    """Fit in a process of its own and tell how far it is; cancelling ends that process. Raises RefitError."""
    from bot.service.reload import RefitError
    from bot.service.threads import environment_for_fitting

    folders = ["--knowledge", str(settings.bot_knowledge), "--cache", str(settings.bot_cache)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "fit", "--steps", *folders),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment_for_fitting(),
    )
    try:
        assert process.stdout
        tell("starting", 0.0)
        async for line in process.stdout:
            share, _, step = line.decode().strip().partition(" ")
            with contextlib.suppress(ValueError):
                tell(step, float(share))
        if await process.wait():
            raise RefitError(
                "The phrasings could not be learned, so the previous ones go on answering; run privacy-bot fit to see why."
            )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
