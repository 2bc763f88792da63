"""Draw answers as they look in a terminal: the one that stands in the README, and those of changed topics."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from bot.dialogue.answer import answer
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question, Reply
from bot.dialogue.state import Action, State
from bot.knowledge.model import Device, Knowledge, TopicId
from bot.platforms.terminal.render import render

QUESTION = "i'm in munich on an iphone, how do i turn it off"
FILE = Path("docs") / "answer.svg"

_THEME = TerminalTheme(
    (250, 250, 247), (34, 34, 34),
    [(34, 34, 34), (170, 30, 30), (0, 110, 60), (130, 90, 0), (20, 70, 160), (130, 30, 120), (0, 95, 120), (90, 90, 90)],
)  # fmt: skip

# rich's own frame loads its typeface from an outside address; this one uses what the reader has.
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>TITLE</title>
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


_README_TITLE = "An answer of the bot: the question, the steps, what they do not do, and the sources"


def picture(dialogue: Dialogue) -> str:
    """Return the question and its answer as SVG, the same each time for the same knowledge."""
    svg, _ = _drawn(f"You: {QUESTION}", dialogue.ask(Question(QUESTION)), _README_TITLE)
    return svg


def pictures(knowledge: Knowledge, id: str, today: datetime.date) -> Iterator[tuple[str, str, str]]:
    """Yield name, SVG and plain text of each form that a topic's answer takes: by device, and by place.

    Raises KeyError for a topic that is not known.
    """
    topic = knowledge.topics[TopicId(id)]
    steps = topic.default.steps
    devices: list[Device | None] = list(steps) if len(set(steps.values())) > 1 else [None]
    forms = [(device, None) for device in devices] + [(devices[0], place) for place in sorted(topic.form.places)]
    for device, place in forms:
        name = "-".join(filter(None, (id, device.value if device else None, place)))
        fitted = ", ".join(filter(None, (device, place)))
        reply = answer(knowledge, State(Action.SHOW, id, device, place), today)
        yield name, *_drawn(f"{id}{f' ({fitted})' if fitted else ''}", reply, f"The answer {name}")


def _drawn(head: str, reply: Reply, title: str) -> tuple[str, str]:
    console = Console(
        record=True, width=92, file=io.StringIO(), highlight=False, color_system="truecolor", force_terminal=True
    )
    console.print(Text(f"{head}\n", style="bold"))
    console.print(render(reply).printed)
    text = console.export_text(clear=False)
    svg = console.export_svg(theme=_THEME, code_format=_FRAME, unique_id="answer")
    return svg.replace("<title>TITLE</title>", f"<title>{escape(title)}</title>"), text
