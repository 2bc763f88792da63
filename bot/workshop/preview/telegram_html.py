"""Let through the HTML that Telegram shows, and nothing else.

The elements are those of https://core.telegram.org/bots/api#html-style that our renderer writes; any other tag,
which Telegram would refuse, is shown as the text that it is, so that an editor sees it.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

from bot.workshop.preview.discord_markdown import link

_PLAIN = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "blockquote"})


class _Sanitiser(HTMLParser):
    """Collect harmless HTML; links open beside the preview."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get("href") or ""
        if tag == "a" and url.startswith(("https://", "http://", "tg://")):
            self.parts.append(link(url, "").removesuffix("</a>"))
        elif tag == "pre":
            self.parts.append('<pre tabindex="0">')
        elif tag in _PLAIN:
            self.parts.append(f"<{tag}>")
        else:
            self.parts.append(escape(self.get_starttag_text() or "", quote=False))
            return
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            self.parts.append(f"&lt;/{escape(tag)}&gt;")
            return
        # What was left open inside ends with what holds it.
        while (last := self._open.pop()) != tag:
            self.parts.append(f"</{last}>")
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data, quote=False))

    def finish(self) -> str:
        self.close()
        self.parts += [f"</{tag}>" for tag in reversed(self._open)]
        return "".join(self.parts)


def sanitised(text: str) -> str:
    """Return a message's HTML with nothing in it but what Telegram shows."""
    reader = _Sanitiser()
    reader.feed(text)
    return reader.finish()
