"""Serve the preview's page and what it asks for, on this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import resources
from typing import Any

from aiohttp import web

from bot.dialogue.dialogue import Dialogue
from bot.workshop.preview.drawn import drawn
from bot.workshop.preview.guard import protect
from bot.workshop.preview.live import Live, Parts
from bot.workshop.preview.outline import about, choices, fitted, outline
from bot.workshop.preview.sheet import SheetError, sheet
from bot.workshop.preview.trial import trial

HOST = "127.0.0.1"
"""The only address that is listened on: what an editor types is nobody else's business."""

CLOSE_WITHIN = 0.3
"""Seconds that open pages have when the preview ends."""

_KEEP_ALIVE = 15.0
"""Seconds of silence after which a line is sent, so that a page that is gone is noticed."""

_MOST_BYTES = 64 * 1024
_ASSETS = {
    "/": ("page.html", "text/html"),
    "/preview.css": ("preview.css", "text/css"),
    "/preview.js": ("preview.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
Body = dict[str, Any]


class PortError(Exception):
    """Say in one sentence why the preview cannot be served."""


class PreviewServer:
    """The page and its data over HTTP; `live` is what changes by itself."""

    def __init__(self, live: Live, parts: Parts) -> None:
        self._live, self._parts = live, parts
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> int:
        """Listen and return the port, which is another one only for port 0; raises PortError."""
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=CLOSE_WITHIN)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            await site.start()
        except OSError as error:
            await runner.cleanup()
            fault = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
            raise PortError(f"{HOST}:{port} {fault}; choose another with --port.") from error
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the listener and every open page's stream."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def application(self) -> web.Application:
        """Return the routes."""
        app = web.Application(client_max_size=_MOST_BYTES)
        protect(app)
        for path, (name, media) in _ASSETS.items():
            app.router.add_get(path, _asset(name, media))
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/outline", self._outline)
        app.router.add_get("/api/about", self._about)
        app.router.add_get("/api/file", self._file)
        app.router.add_post("/api/show", self._taking(self._show))
        app.router.add_post("/api/press", self._taking(self._press))
        app.router.add_post("/api/submit", self._taking(self._submit))
        app.router.add_post("/api/ask", self._taking(self._ask))
        app.router.add_post("/api/compare", self._taking(self._compare))
        return app

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        # A page that was closed is only noticed when something is written to it.
        with self._live.listening() as changed, contextlib.suppress(ConnectionError):
            while True:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE):
                        await changed.wait()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                changed.clear()
                await response.write(f"data: {json.dumps(self._live.state())}\n\n".encode())
        return response

    async def _outline(self, _request: web.Request) -> web.Response:
        knowledge = self._live.dialogue.knowledge if self._live.dialogue else None
        if self._live.loading:
            return web.json_response({"groups": [], "choices": None})
        groups = outline(knowledge, self._parts.folder, self._parts.today(), self._live.counts())
        return web.json_response({"groups": groups, "choices": choices(knowledge) if knowledge else None})

    async def _about(self, request: web.Request) -> web.Response:
        path = request.query.get("path", "")
        found = about(self._live.dialogue.knowledge, path, self._parts.today()) if self._live.dialogue else None
        if not found:
            return _refused("Nothing is known of this file (any more); choose another one.", HTTPStatus.NOT_FOUND)
        return web.json_response(found)

    async def _file(self, request: web.Request) -> web.Response:
        path = request.query.get("path", "")
        try:
            found = await asyncio.to_thread(sheet, self._parts.folder, path, self._live.findings)
        except SheetError as error:
            return _refused(str(error), HTTPStatus.NOT_FOUND)
        return web.json_response(found)

    def _taking(self, answer: Callable[[Dialogue, Body], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that reads a JSON object and answers with what `answer` makes of it."""

        async def handler(request: web.Request) -> web.Response:
            try:
                body = await request.json()
            except ValueError:
                body = None
            if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
                return _refused("This is no JSON object of texts; use the page.", HTTPStatus.BAD_REQUEST)
            if not self._live.dialogue:
                return _refused("Nothing is loaded yet; mend the errors first.", HTTPStatus.SERVICE_UNAVAILABLE)
            try:
                return web.json_response(answer(self._live.dialogue, body))
            except ValueError as error:
                return _refused(f"{error}.", HTTPStatus.BAD_REQUEST)

        return handler

    def _show(self, dialogue: Dialogue, body: Body) -> Body:
        """Return a screen for a device and a place."""
        code = fitted(body.get("code", ""), body.get("device"), body.get("place"))
        return {"code": code, "message": drawn(dialogue.press(code), dialogue.knowledge.texts)}

    def _press(self, dialogue: Dialogue, body: Body) -> Body:
        code = body.get("code", "")
        reply = dialogue.press(code, quoted=body.get("quoted", ""))
        return {"code": code, "message": drawn(reply, dialogue.knowledge.texts)}

    def _submit(self, dialogue: Dialogue, body: Body) -> Body:
        code = body.get("code", "")
        reply = dialogue.submit(code, body.get("text", ""))
        return {"code": code, "message": drawn(reply, dialogue.knowledge.texts)}

    def _ask(self, dialogue: Dialogue, body: Body) -> Body:
        return trial(dialogue, self._live.before, body.get("question", ""))

    def _compare(self, _dialogue: Dialogue, _body: Body) -> Body:
        self._live.compare()
        return {}


def _asset(name: str, media: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=media)

    return handler


def _refused(sentence: str, status: HTTPStatus) -> web.Response:
    return web.json_response({"refused": sentence}, status=status)
