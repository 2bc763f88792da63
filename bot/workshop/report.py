"""Show figures in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.workshop.figures import Confusion, Figure, Figures, Judged, Set, calibration, quantile

CONFUSIONS_SHOWN = 10
_EXAMPLES = 2


def report(figures: Figures, judged: Sequence[Judged], *, examples: bool = True) -> RenderableType:
    """Return the figures with goals and floors, kinds of off-topic messages, calibration and the most confused pairs.

    Without `examples` no question is shown, as is due to those that are held back.
    """
    table = Table("figure", "value", "goal", "floor", "of", "", box=None, pad_edge=False)
    for figure in figures.figures:
        if figure.value is not None:
            table.add_row(*_row(figure))
    times = [one.answer.ms for one in judged]
    parts: list[RenderableType] = [table]
    if times:
        parts.append(
            Text(
                f"\ntime a question: half within {quantile(times, 0.5):.2f} ms, 99 % within {quantile(times, 0.99):.2f} ms"
            )
        )
    if figures.kinds:
        kinds = ", ".join(
            f"{kind.name or 'all'} {kind.answered:.3f}/{kind.offered:.3f} of {kind.count}" for kind in figures.kinds
        )
        parts.append(Text(f"off-topic, answered/offered: {kinds}"))
    if bins := calibration(judged):
        parts.append(Text("\nwhat the score promises, and how often it is right"))
        parts += [Text(f"  {one.score:.2f}  {one.right:.2f}  of {one.count}") for one in bins]
    if figures.confusions:
        parts.append(Text("\nmost confused: answered in place of"))
        for pair in figures.confusions[:CONFUSIONS_SHOWN]:
            parts.append(Text(f"  {pair.count}  {pair.answered} for {pair.expected}"))
            if examples:
                parts += [Text(f"       “{said[:90]}”", style="dim") for said in confused(pair, judged)[:_EXAMPLES]]
    return Group(*parts)


def _row(figure: Figure) -> tuple[str, str, str, str, str, str]:
    value = 0.0 if figure.value is None else figure.value
    sign = "≤" if figure.lower_is_better else "≥"
    mark = "" if figure.reached else ("under its goal" if figure.holds else "UNDER ITS FLOOR")
    return figure.name, f"{value:.3f}", f"{sign} {figure.goal}", f"{sign} {figure.floor}", str(figure.count), mark


def confused(pair: Confusion, judged: Sequence[Judged]) -> list[str]:
    """Return the questions of a confused pair."""
    return [
        one.question.text
        for one in judged
        if one.question.set in {Set.IN_SCOPE, Set.PUBLIC}
        and one.wrong
        and one.question.topics[:1] == (pair.expected,)
        and one.answer.topics[0][0] == pair.answered
    ]
