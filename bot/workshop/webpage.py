"""Write web pages that stand alone: no scripts, nothing loaded from anywhere, light and dark, for screen and paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bot.knowledge.markup import Block, Items, Line, Style, blocks, spans

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2228; --soft: #545d66; --line: #c9d0d6;
  --tint: #f1f4f6; --link: #0b5394; --good: #1a6b3a; --bad: #a8201a; --mark: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #e6e9ec; --soft: #a9b2ba; --line: #3b444d;
  --tint: #1e242a; --link: #8fc1f5; --good: #7fd39b; --bad: #ff9d94; --mark: #f0c56b; } }
* { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, "Segoe UI", "Noto Sans", sans-serif; background: var(--paper); color: var(--ink); }
body { margin: 0 auto; max-width: 54rem; padding: 1rem 1.25rem 4rem; overflow-wrap: break-word; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 1.5rem 0 .75rem; }
h2 { font-size: 1.3rem; margin: 2rem 0 .5rem; } h3 { font-size: 1.05rem; margin: 1.25rem 0 .25rem; }
a { color: var(--link); } a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
header, footer { color: var(--soft); font-size: .92rem; } footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
li { margin: .25rem 0; } .note { background: var(--tint); border-left: .3rem solid var(--line); padding: .5rem 1rem; margin: 1rem 0; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .near { color: var(--mark); }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .75rem 0; font-size: .95rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #333; --line: #999; --tint: #fff; --link: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; } .skip, nav { display: none; } h2, h3 { break-after: avoid; }
  li, tr { break-inside: avoid; } }
"""


def page(
    title: str, main: str, *, header: str = "", footer: str = "", style: str = "", skip: str = "Skip to the content"
) -> str:
    """Return a whole page; `main`, `header` and `footer` are HTML, `title` and `skip` are plain text."""
    parts = [
        "<!doctype html>",
        '<html lang="en-GB">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}{style}</style>",
        "</head>",
        "<body>",
        f'<a class="skip" href="#main">{escape(skip)}</a>',
        f"<header>{header}</header>" if header else "",
        f'<main id="main">\n{main}\n</main>',
        f"<footer>{footer}</footer>" if footer else "",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def link(label: str, address: str) -> str:
    """Return a link; both are plain text."""
    return f'<a href="{escape(address)}">{escape(label)}</a>'


def text(markup: str) -> str:
    """Return the HTML of a text in small Markdown."""
    return "\n".join(block(part) for part in blocks(markup))


def inline(markup: str) -> str:
    """Return the HTML of one line in small Markdown."""
    return line(spans(markup))


def block(part: Block) -> str:
    """Return the HTML of a paragraph or list."""
    if isinstance(part, Items):
        tag = "ul" if part.start is None else "ol"
        return f"<{tag}>\n" + "\n".join(f"<li>{line(item)}</li>" for item in part.lines) + f"\n</{tag}>"
    return f"<p>{line(part.line)}</p>"


def line(found: Line) -> str:
    """Return the HTML of spans."""
    pieces: list[str] = []
    for span in found:
        said = link(span.text, span.url) if span.url else escape(span.text, quote=False)
        tag = {Style.BOLD: "strong", Style.ITALIC: "em"}.get(span.style)
        pieces.append(f"<{tag}>{said}</{tag}>" if tag else said)
    return "".join(pieces)


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()
) -> str:
    """Return a table; cells are HTML, `numbers` are the columns that are set to the right."""

    def cell(tag: str, at: int, said: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        aligned = ' class="number"' if at in numbers else ""
        return f"<{tag}{scope}{aligned}>{said}</{tag}>"

    head = "".join(cell("th", at, escape(said)) for at, said in enumerate(heads))
    body = "\n".join("<tr>" + "".join(cell("td", at, said) for at, said in enumerate(row)) + "</tr>" for row in rows)
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )
