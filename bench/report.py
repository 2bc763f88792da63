"""Write the results of a run: one table in Markdown, and the plot of risk against coverage as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Results = Mapping[str, Mapping[str, Any]]

_COLOURS = ("#0a66c2", "#888888", "#b26a00", "#7a4fbf", "#2e7d32", "#c2185b", "#00838f")
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 420, 60, 20, 220, 50
_MOST_RISK = 0.2


def table(results: Results) -> str:
    """Return the table; a method that was not measured in a column shows a dash there."""
    ours = results["this engine"]["golden"]
    heads = [
        "method", "first right", "answered rightly", "wrongly", "off-topic answered", "two typos",
        "time (p50)", "memory", "×33 phrasings", "Banking77", "CLINC150", "with typos", "AUROC",
    ]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, result in results.items():
        own, public = result.get("golden", {}), result.get("public", {})
        banking, clinc = public.get("banking77", {}), public.get("clinc150", {})
        time = f"×{own['p50'] / ours['p50']:.2f}" if own else "–"
        growth = f"×{result['growth']['growth']:.1f}" if "growth" in result else "–"
        cells = [
            name, *(_share(own.get(key)) for key in ("top1", "right", "wrong", "off", "typos")), time,
            f"{own['memory']:.0f} MB" if own else "–", growth, _share(banking.get("top1")), _share(clinc.get("top1")),
            _share(clinc.get("typos")), _share(clinc.get("separation")),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def plot(results: Results) -> str:
    """Return risk against coverage of every method, readable on a light and on a dark page."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            'font-family="sans-serif" font-size="12" aria-label="Risk against coverage on the golden questions">'
        ),
        "<style>text{fill:#333}line{stroke:#999}@media (prefers-color-scheme:dark){text{fill:#ddd}}</style>",
    ]
    for tick in range(6):
        x, y = _at(tick / 5, 0.0)[0], _at(0.0, tick / 5 * _MOST_RISK)[1]
        parts += [
            f'<line x1="{x:.0f}" y1="{_TOP}" x2="{x:.0f}" y2="{_HEIGHT - _BOTTOM}" stroke-opacity=".3"/>',
            f'<line x1="{_LEFT}" y1="{y:.0f}" x2="{_WIDTH - _RIGHT}" y2="{y:.0f}" stroke-opacity=".3"/>',
            f'<text x="{x:.0f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{tick * 20} %</text>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{100 * tick / 5 * _MOST_RISK:.0f} %</text>',
        ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">share of all messages answered</text>')
    parts.append(
        f'<text transform="translate(16 {_HEIGHT / 2 - 10}) rotate(-90)" text-anchor="middle">answered wrongly</text>'
    )
    for at, (name, result) in enumerate(results.items()):
        if not (curve := result.get("golden", {}).get("curve")):
            continue
        colour = _COLOURS[at % len(_COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(*point) for point in _thinned(curve)))
        y = _TOP + 14 + 22 * at
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{3 if at == 0 else 1.5}"/>',
            (
                f'<line x1="{_WIDTH - _RIGHT + 14}" y1="{y}" x2="{_WIDTH - _RIGHT + 38}" y2="{y}" '
                f'style="stroke:{colour}" stroke-width="3"/>'
            ),
            f'<text x="{_WIDTH - _RIGHT + 46}" y="{y + 4}">{name}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def _thinned(curve: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Return at most some 200 points; the first few answers say nothing about a rate and are left out."""
    kept = [(coverage, risk) for coverage, risk in curve if coverage > 0.02]
    step = max(1, len(kept) // 200)
    return [*kept[::step], *kept[-1:]]


def _at(coverage: float, risk: float) -> tuple[float, float]:
    return (
        _LEFT + coverage * (_WIDTH - _LEFT - _RIGHT),
        _HEIGHT - _BOTTOM - min(risk, _MOST_RISK) / _MOST_RISK * (_HEIGHT - _TOP - _BOTTOM),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
