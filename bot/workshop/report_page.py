"""Show figures as one web page that can be sent or kept: tables, the risk-coverage curve, the confusion map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from bot.workshop.comparing import Change, Move, changed_figures, sentence
from bot.workshop.figures import Figure, Figures, Judged, Set, calibration, pairs, quantile, risk_coverage
from bot.workshop.report import CONFUSIONS_SHOWN, confused
from bot.workshop.webpage import page, table

_STYLE = """
.axis { stroke: var(--soft); stroke-width: 1; } .grid { stroke: var(--line); stroke-width: 1; stroke-dasharray: 2 3; }
.curve { fill: none; stroke: var(--link); stroke-width: 2; } .dot { fill: var(--link); }
.cell { fill: var(--link); } .frame { fill: none; stroke: var(--line); } svg text.small { font-size: 10px; }
"""
_MAP = "Confusion map: expected topics as rows, answered ones as columns; the table below says the same in words"
_LARGEST_MAP = 40
"""Topics a side; more cannot be read on one page, and the table below the map has all pairs."""


def report_page(
    title: str,
    figures: Figures,
    judged: Sequence[Judged],
    *,
    examples: bool = True,
    compared: tuple[str, Figures, Sequence[Move]] | None = None,
) -> str:
    """Return the report as HTML; without `examples` no question is shown.

    `compared` holds the commit that was compared with, its figures, and the questions that moved since.
    """
    verdict = "Every figure keeps its floor." if figures.holds else "At least one figure is under its floor."
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="{"good" if figures.holds else "bad"}">{verdict}</p>']
    if compared:
        parts += _moves(*compared, figures, examples=examples)
    parts += ["<h2>Figures</h2>", _figures(figures)]
    if times := [one.answer.ms for one in judged]:
        parts.append(
            f"<p>Time a question: half within {quantile(times, 0.5):.2f} ms, 99 % within {quantile(times, 0.99):.2f} ms.</p>"
        )
    if figures.kinds:
        rows = [
            (escape(kind.name or "all"), str(kind.count), f"{kind.answered:.3f}", f"{kind.offered:.3f}")
            for kind in figures.kinds
        ]
        caption = "Off-topic messages by kind: the share that was answered, and offered only"
        parts += [
            "<h2>Off-topic</h2>",
            table(caption, ("kind", "messages", "answered", "offered"), rows, frozenset({1, 2, 3})),
        ]
    parts += _curve(judged) + _calibration(judged) + _confusion(figures, judged, examples=examples)
    if examples:
        parts += _missed(judged)
    return page(title, "\n".join(parts), style=_STYLE)


def _figures(figures: Figures) -> str:
    rows = [_row(figure) for figure in figures.figures if figure.value is not None]
    return table(
        "Each figure with its goal and its floor",
        ("figure", "value", "goal", "floor", "of", "state"),
        rows,
        frozenset({1, 4}),
    )


def _row(figure: Figure) -> tuple[str, ...]:
    sign = "≤" if figure.lower_is_better else "≥"
    style, state = (
        ("good", "goal reached")
        if figure.reached
        else ("near", "under its goal")
        if figure.holds
        else ("bad", "under its floor")
    )
    return (
        escape(figure.name), f"{figure.value or 0.0:.3f}", f"{sign} {figure.goal}", f"{sign} {figure.floor}", str(figure.count),
        f'<span class="{style}">{state}</span>',
    )  # fmt: skip


def _moves(reference: str, before: Figures, moves: Sequence[Move], figures: Figures, *, examples: bool) -> list[str]:
    parts = [f"<h2>Compared with {escape(reference)}</h2>"]
    if not moves:
        return [*parts, "<p>This edit moved no question.</p>"]
    told = sentence(moves)
    parts.append(f"<p>{escape(told[:1].upper() + told[1:])}</p>")
    if examples:
        styles = {Change.BETTER: "good", Change.WORSE: "bad"}
        rows = [
            (
                f'<span class="{styles.get(move.change, "")}">{move.change}</span>', escape(move.question), escape(move.before),
                escape(move.after), escape(" + ".join(move.expected) or "nothing"),
            )
            for move in moves
        ]  # fmt: skip
        parts.append(
            table("Questions that are answered otherwise", ("", "question", "before", "now", "expected"), rows)
        )
    if changed := changed_figures(before, figures):
        figured = [(escape(name), f"{was:.3f}", f"{now:.3f}") for name, was, now in changed]
        parts.append(table("Figures that changed", ("figure", "before", "now"), figured, frozenset({1, 2})))
    return parts


def _curve(judged: Sequence[Judged]) -> list[str]:
    points = risk_coverage(judged)
    if not points:
        return []
    width, height, left, top = 640, 300, 60, 16
    across, down = width - left - 20, height - top - 44
    most = max(0.05, *(risk for _, risk in points)) * 1.1

    def at(coverage: float, risk: float) -> tuple[float, float]:
        return left + coverage * across, top + down - risk / most * down

    told = [f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points)]
    grid: list[str] = []
    for step in range(6):
        x, y = left + step / 5 * across, top + down - step / 5 * down
        grid.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + down}"/>')
        grid.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + across}" y2="{y:.1f}"/>')
        grid.append(f'<text x="{x:.1f}" y="{top + down + 16}" text-anchor="middle">{step * 20} %</text>')
        grid.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{most * step * 20:.1f} %</text>')
    coverage, risk = points[-1]
    end_x, end_y = at(coverage, risk)
    label = f"{100 * coverage:.0f} % of all messages are answered, {100 * risk:.1f} % of these wrongly"
    return [
        "<h2>Risk against coverage</h2>",
        "<p>From the surest answer on: how many messages are answered, and how many of the answers are wrong.</p>",
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(label)}">',
        *grid,
        f'<polyline class="curve" points="{" ".join(told)}"/>',
        f'<circle class="dot" cx="{end_x:.1f}" cy="{end_y:.1f}" r="4"/>',
        f'<text x="{left + across / 2:.0f}" y="{height - 6}" text-anchor="middle">share of all messages that is answered</text>',
        f'<text x="14" y="{top + down / 2:.0f}" text-anchor="middle" transform="rotate(-90 14 {top + down / 2:.0f})">wrong among the answered</text>',
        "</svg>",
        f"<p>At the end: {escape(label)}.</p>",
    ]


def _calibration(judged: Sequence[Judged]) -> list[str]:
    bins = calibration(judged)
    if not bins:
        return []
    rows = [(f"{one.score:.2f}", f"{one.right:.2f}", f"{one.right - one.score:+.2f}", str(one.count)) for one in bins]
    caption = "Answers by score: what the score promises, and how often it is right"
    heads = ("mean score", "right", "difference", "answers")
    return ["<h2>Calibration</h2>", table(caption, heads, rows, frozenset({0, 1, 2, 3}))]


def _confusion(figures: Figures, judged: Sequence[Judged], *, examples: bool) -> list[str]:
    counts = pairs(one for one in judged if one.question.set in {Set.IN_SCOPE, Set.PUBLIC})
    if not counts:
        return ["<h2>Confusions</h2>", "<p>No question was answered with another topic.</p>"]
    rows = [
        (
            str(pair.count), escape(pair.answered), escape(pair.expected),
            "<br>".join(f"“{escape(said)}”" for said in confused(pair, judged)) if examples else "",
        )
        for pair in figures.confusions[:CONFUSIONS_SHOWN]
    ]  # fmt: skip
    heads = ("times", "answered", "in place of", "questions")
    return ["<h2>Confusions</h2>", _map(counts), table("The most confused pairs", heads, rows, frozenset({0}))]


def _map(counts: Counter[tuple[str, str]]) -> str:
    """Draw expected topics as rows and answered ones as columns, darker where it happened more often."""
    per_row, per_column = Counter[str](), Counter[str]()
    for (expected, answered), count in counts.items():
        per_row[expected] += count
        per_column[answered] += count
    down = sorted(topic for topic, _ in per_row.most_common(_LARGEST_MAP))
    across = sorted(topic for topic, _ in per_column.most_common(_LARGEST_MAP))
    size, left, top = 20, 210, 140
    width, height = left + size * len(across) + 90, top + size * len(down) + 10
    most = max(counts.values())
    drawn = [f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{_MAP}">']
    for index, topic in enumerate(across):
        x = left + size * index + size / 2 + 4
        drawn.append(
            f'<text class="small" transform="rotate(-60 {x:.0f} {top - 6})" x="{x:.0f}" y="{top - 6}">{escape(topic)}</text>'
        )
    for index, topic in enumerate(down):
        y = top + size * index + size / 2 + 4
        drawn.append(f'<text class="small" x="{left - 8}" y="{y:.0f}" text-anchor="end">{escape(topic)}</text>')
        for column, other in enumerate(across):
            count = counts[(topic, other)]
            x = left + size * column
            drawn.append(f'<rect class="frame" x="{x}" y="{top + size * index}" width="{size}" height="{size}"/>')
            if count:
                drawn.append(
                    f'<rect class="cell" x="{x}" y="{top + size * index}" width="{size}" height="{size}" '
                    f'fill-opacity="{0.15 + 0.3 * count / most:.2f}"><title>{count} × {escape(other)} for {escape(topic)}</title></rect>'
                    f'<text class="small" x="{x + size / 2:.0f}" y="{y:.0f}" text-anchor="middle">{count}</text>'
                )
    drawn.append("</svg>")
    return '<div class="wide" role="region" aria-label="Confusion map" tabindex="0">\n' + "\n".join(drawn) + "\n</div>"


def _missed(judged: Sequence[Judged]) -> list[str]:
    parts: list[str] = []
    lists = (
        ("Not answered and not offered", {Set.IN_SCOPE, Set.PUBLIC}, lambda one: not one.answered and not one.in_reach),
        ("Off-topic, and answered all the same", {Set.OFF_TOPIC}, lambda one: one.answered),
    )
    for title, sets, chosen in lists:
        rows = [
            (
                escape(one.question.text),
                escape(one.question.topics[0] if one.question.topics else one.answer.topics[0][0]),
            )
            for one in judged
            if one.question.set in sets and chosen(one)
        ]
        if rows:
            parts += [f"<h2>{title}</h2>", table(f"{len(rows)} messages", ("message", "topic"), rows)]
    return parts
