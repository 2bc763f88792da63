"""Turn the Markdown of our Discord messages into HTML, as Discord shows it.

Discord publishes no grammar; these are the forms of
https://support.discord.com/hc/en-us/articles/210298617 that our renderer writes, and those that a missing
escape would turn on unseen: underline, strikethrough, spoiler and code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

_FENCE = "```"
_HEADING = re.compile(r"(#{1,3}) +(\S.*)")
_BULLET = re.compile(r" {0,3}[-*] +(\S.*)")
_NUMBER = re.compile(r" {0,3}(\d{1,3})\. +(\S.*)")
_QUOTE = re.compile(r"> ?(.*)")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
_LINK = re.compile(r"\[((?:\\.|[^\]\\\n])+)\]\((https?://[^\s()<>]+)\)")
_ADDRESS = re.compile(r"https?://[^\s<>]*[^\s<>.,:;\"')\]]")
_CODE = re.compile(r"`([^`\n]+)`")
_MARKS = (("**", "strong"), ("__", "u"), ("~~", "s"), ("||", "mark"), ("*", "em"), ("_", "em"))
"""Marks and their elements, the longer ones first."""


def html(text: str) -> str:
    """Return the HTML of a description."""
    lines = text.split("\n")
    parts: list[str] = []
    at = 0
    while at < len(lines):
        part, at = _block(lines, at)
        parts.append(part)
    return "\n".join(part for part in parts if part)


def inline(text: str) -> str:
    """Return the HTML of text in which no block begins, such as a title."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        part, at = _run(text, at)
        parts.append(part)
    return "".join(parts)


def link(url: str, label: str) -> str:
    """Return a link that opens beside the preview; `url` is plain text, `label` is HTML."""
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _block(lines: Sequence[str], at: int) -> tuple[str, int]:
    line = lines[at]
    if not line.strip():
        return "", at + 1
    if line.startswith(_FENCE):
        return _fenced(lines, at)
    if found := _HEADING.fullmatch(line):
        level = len(found[1]) + 3
        return f"<h{level}>{inline(found[2])}</h{level}>", at + 1
    for pattern, kind in ((_QUOTE, "blockquote"), (_BULLET, "ul"), (_NUMBER, "ol")):
        if pattern.fullmatch(line):
            return _alike(lines, at, pattern, kind)
    end = at + 1
    while end < len(lines) and not _begins_block(lines[end]):
        end += 1
    return f"<p>{'<br>'.join(map(inline, lines[at:end]))}</p>", end


def _begins_block(line: str) -> bool:
    patterns = (_HEADING, _QUOTE, _BULLET, _NUMBER)
    return not line.strip() or line.startswith(_FENCE) or any(pattern.fullmatch(line) for pattern in patterns)


def _alike(lines: Sequence[str], at: int, pattern: re.Pattern[str], kind: str) -> tuple[str, int]:
    found: list[re.Match[str]] = []
    while at < len(lines) and (match := pattern.fullmatch(lines[at])):
        found.append(match)
        at += 1
    if kind == "blockquote":
        return f"<blockquote>{'<br>'.join(inline(match[1]) for match in found)}</blockquote>", at
    items = "".join(f"<li>{inline(match[match.re.groups])}</li>" for match in found)
    start = f' start="{int(found[0][1])}"' if kind == "ol" else ""
    return f"<{kind}{start}>{items}</{kind}>", at


def _fenced(lines: Sequence[str], at: int) -> tuple[str, int]:
    """Return a block of code; one that nothing ends is text, as Discord shows it."""
    end = next((index for index in range(at + 1, len(lines)) if lines[index].rstrip() == _FENCE), None)
    if end is None:
        return f"<p>{escape(lines[at], quote=False)}</p>", at + 1
    text = escape("\n".join(lines[at + 1 : end]), quote=False)
    return f'<pre tabindex="0"><code>{text}</code></pre>', end + 1


def _run(text: str, at: int) -> tuple[str, int]:
    """Return the HTML of what begins at `at`, and where it ends."""
    if match := _ESCAPED.match(text, at):
        return escape(match[1], quote=False), match.end()
    if match := _LINK.match(text, at):
        return link(match[2], inline(match[1])), match.end()
    if match := _ADDRESS.match(text, at):
        return link(match[0], escape(match[0], quote=False)), match.end()
    if match := _CODE.match(text, at):
        return f"<code>{escape(match[1], quote=False)}</code>", match.end()
    for mark, tag in _MARKS:
        if text.startswith(mark, at) and (end := _closing(text, mark, at + len(mark))):
            return f"<{tag}>{inline(text[at + len(mark) : end])}</{tag}>", end + len(mark)
    return escape(text[at], quote=False), at + 1


def _closing(text: str, mark: str, begin: int) -> int | None:
    """Return where `mark` ends a run that begins at `begin`, None where nothing does."""
    if begin >= len(text) or text[begin].isspace():
        return None
    at = begin
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif at > begin and text.startswith(mark, at) and not text[at - 1].isspace():
            # One star of two belongs to another mark.
            if len(mark) == 1 and text.startswith(mark * 2, at):
                at += 2
            elif len(mark) > 1 and text.startswith(mark, at + 1):
                # Of three stars the outer two close the outer run.
                at += 1
            else:
                return at
        else:
            at += 1
    return None
