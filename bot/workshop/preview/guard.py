"""Let only this machine's own browser in, and let its page load nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

_OURS = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.ASCII)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What every response says."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal(host: str, origin: str | None, fetched_from: str | None = None) -> str | None:
    """Return why a request is refused, None where it is welcome.

    A name that is not ours in `host` is another site's that points here (DNS rebinding); a foreign `origin`, or
    `fetched_from` (Sec-Fetch-Site), is another site's page that reaches for this one.
    """
    if not _OURS.fullmatch(host):
        return "This preview answers to localhost only; open it at the address that privacy-bot preview printed."
    if origin is not None and origin != f"http://{host}":
        return "This preview takes nothing from other pages; open it at the address that privacy-bot preview printed."
    if fetched_from == "cross-site":
        return "This preview is not shown to other pages; open its address by itself."
    return None


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign requests before anything else looks at them."""
    # A link on another page may lead here; only its scripts may not read along.
    site = None if request.path == "/" else request.headers.get("Sec-Fetch-Site")
    why = refusal(request.headers.get("Host", ""), request.headers.get("Origin"), site)
    if why:
        return web.Response(status=HTTPStatus.FORBIDDEN, text=f"{why}\n")
    return await handler(request)


async def with_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on a response; a signal of the application, so that streams and refusals have them, too."""
    response.headers.update(HEADERS)


def protect(app: web.Application) -> None:
    """Have an application guarded."""
    app.middlewares.append(guarded)
    signal: Any = with_headers
    app.on_response_prepare.append(signal)
