"""Draw a file that comes with a message, as something to download."""

from __future__ import annotations

import base64
from html import escape

from bot.dialogue.model import File


def attachment(file: File) -> str:
    """Return the HTML of a file; its content is in the link, so that the server keeps nothing."""
    content = base64.b64encode(file.content).decode("ascii")
    address = escape(f"data:{file.media.replace(' ', '')};base64,{content}")
    name = escape(file.name, quote=False)
    size = f"{len(file.content):,} bytes"
    return f'<p class="file"><a download="{escape(file.name)}" href="{address}">{name}</a> <span>{size}</span></p>'
