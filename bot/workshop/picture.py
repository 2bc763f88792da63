"""Draw the picture of a real answer that stands in the README."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question
from bot.platforms.terminal.render import render

QUESTION = "i'm in munich on an iphone, how do i turn it off"
FILE = Path("docs") / "answer.svg"

_THEME = TerminalTheme(
    (250, 250, 247), (34, 34, 34),
    [(34, 34, 34), (170, 30, 30), (0, 110, 60), (130, 90, 0), (20, 70, 160), (130, 30, 120), (0, 95, 120), (90, 90, 90)],
)  # fmt: skip

# rich's own frame loads its typeface from an outside address; this one uses what the reader has.
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>An answer of the bot: the question, the steps, what they do not do, and the sources</title>
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="rgb(250,250,247)" stroke="rgb(200,200,195)" x="0" y="0" width="100%" height="100%" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(dialogue: Dialogue) -> str:
    """Return the question and its answer as SVG, the same each time for the same knowledge."""
    console = Console(
        record=True, width=92, file=io.StringIO(), highlight=False, color_system="truecolor", force_terminal=True
    )
    console.print(Text(f"You: {QUESTION}\n", style="bold"))
    console.print(render(dialogue.ask(Question(QUESTION))).printed)
    return console.export_svg(title=QUESTION, theme=_THEME, code_format=_FRAME, unique_id="answer")
