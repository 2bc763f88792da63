"""Draw answers as they look in a terminal: the one that stands in the README, and those of changed topics and letters."""

from __future__ import annotations

import datetime
import io
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from bot.dialogue import letters
from bot.dialogue.answer import answer
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Part, Question, Reply
from bot.dialogue.state import Action, State
from bot.knowledge.letters import Letter
from bot.knowledge.markup import Block, Paragraph, Span
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


_WIDTH = 92
"""Characters of a line."""

_README_TITLE = "An answer of the bot: the question, the steps, what they do not do, and the sources"


def picture(dialogue: Dialogue) -> str:
    """Return the question and its answer as SVG, the same each time for the same knowledge."""
    svg, _ = _drawn(f"You: {QUESTION}", dialogue.ask(Question(QUESTION)), _README_TITLE)
    return svg


def pictures(knowledge: Knowledge, id: str, today: datetime.date) -> Iterator[tuple[str, str, str]]:
    """Yield name, SVG and plain text of each form that a topic's answer or a letter takes: by device, and by place.

    Raises KeyError for an id that is neither a topic's nor a letter's.
    """
    if id in knowledge.letters:
        yield from _letter(knowledge, knowledge.letters[id], today)
        if id not in knowledge.topics:
            return
    topic = knowledge.topics[TopicId(id)]
    steps = topic.default.steps
    devices: list[Device | None] = list(steps) if len(set(steps.values())) > 1 else [None]
    forms = [(device, None) for device in devices] + [(devices[0], place) for place in sorted(topic.form.places)]
    for device, place in forms:
        name = "-".join(filter(None, (id, device.value if device else None, place)))
        fitted = ", ".join(filter(None, (device, place)))
        reply = answer(knowledge, State(Action.SHOW, id, device, place), today)
        yield name, *_drawn(f"{id}{f' ({fitted})' if fitted else ''}", reply, f"The answer {name}")


def _letter(knowledge: Knowledge, letter: Letter, today: datetime.date) -> Iterator[tuple[str, str, str]]:
    """Yield in each of its places the screen before a letter, and the letter with a gap for people's own words."""
    for place in letter.form.places:
        for suffix, branch in (("", 0), ("-text", letters.WRITTEN)):
            reply = letters.show(knowledge, State(Action.LETTER, letter.id, place=place, branch=branch), today)
            if reply:
                name = f"letter-{letter.id}-{place}{suffix}"
                yield name, *_drawn(f"{letter.id} ({place})", reply, f"The letter {name}")


def _drawn(head: str, reply: Reply, title: str) -> tuple[str, str]:
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), highlight=False, color_system="truecolor", force_terminal=True
    )
    console.print(Text(f"{head}\n", style="bold"))
    console.print(render(_wrapped(reply)).printed)
    text = console.export_text(clear=False)
    svg = console.export_svg(theme=_THEME, code_format=_FRAME, unique_id="answer")
    return svg.replace("<title>TITLE</title>", f"<title>{escape(title)}</title>"), text


def _wrapped(reply: Reply) -> Reply:
    """Return a reply whose letter is broken into lines; a terminal would leave that to its window, to be copied."""
    return replace(
        reply,
        sections=tuple(
            replace(section, blocks=tuple(map(_broken, section.blocks))) if section.part is Part.LETTER else section
            for section in reply.sections
        ),
    )


def _broken(block: Block) -> Block:
    if not isinstance(block, Paragraph):
        return block
    lines = "".join(span.text for span in block.line).split("\n")
    return Paragraph((Span("\n".join(textwrap.fill(line, _WIDTH) for line in lines)),))
