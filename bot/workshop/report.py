"""Show figures in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.workshop.figures import Figure, Figures, Judged, Set, quantile

_CONFUSIONS_SHOWN = 10


def report(figures: Figures, judged: Sequence[Judged]) -> RenderableType:
    """Return the figures with goals and floors, kinds of off-topic messages, and the most confused pairs."""
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
    if figures.confusions:
        parts.append(Text("\nanswered in place of"))
        parts += [
            Text(f"  {pair.count}  {pair.answered} for {pair.expected}{_example(pair.expected, pair.answered, judged)}")
            for pair in figures.confusions[:_CONFUSIONS_SHOWN]
        ]
    return Group(*parts)


def _row(figure: Figure) -> tuple[str, str, str, str, str, str]:
    value = 0.0 if figure.value is None else figure.value
    sign = "≤" if figure.lower_is_better else "≥"
    mark = "" if figure.reached else ("under its goal" if figure.holds else "UNDER ITS FLOOR")
    return figure.name, f"{value:.3f}", f"{sign} {figure.goal}", f"{sign} {figure.floor}", str(figure.count), mark


def _example(expected: str, answered: str, judged: Sequence[Judged]) -> str:
    for one in judged:
        if (
            one.question.set is Set.IN_SCOPE
            and one.wrong
            and one.question.topics[:1] == (expected,)
            and one.answer.topics[0][0] == answered
        ):
            return f": {one.question.text[:70]}"
    return ""
