"""Measure every method, one after the other, and write the table and the plot: `make bench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.progress import Progress

from bench.report import plot, table

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "this engine",
    "rapidfuzz WRatio",
    "rapidfuzz token_set_ratio",
    "BM25",
    "TF-IDF + linear",
    "MiniLM nearest",
    "MiniLM + linear",
)
GROWN = frozenset(ORDER[:4])
"""Methods of which growth is measured; fitting the others on 100,000 phrasings takes far longer than the rest."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> int:
    """Run, and return the exit code."""
    data = os.environ.get("BENCH_DATA", "")
    if data and not Path(data).is_dir():
        sys.stderr.write(f"BENCH_DATA: {data} is no folder; name the one that holds banking77 and clinc150.\n")
        return 2
    seeds = os.environ.get("BENCH_SEEDS", "1")
    if not seeds.isdigit() or not int(seeds):
        sys.stderr.write("BENCH_SEEDS is no number of draws; write 1 or 3.\n")
        return 2
    request = {"knowledge": str(ROOT / "knowledge"), "data": str(Path(data).resolve()), "seeds": int(seeds)}
    # Times are compared with each other, so they are taken one right after the other.
    steps = [(name, "golden") for name in ORDER]
    steps += [(name, "growth") for name in ORDER if name in GROWN]
    steps += [(name, "public") for name in ORDER if data]
    results: dict[str, dict[str, Any]] = {name: {} for name in ORDER}
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("bench", total=len(steps))
        for name, what in steps:
            progress.update(task, description=f"{name}: {what}")
            results[name][what] = _measured(name, {**request, "what": what})
            progress.advance(task)
    out = ROOT / "var" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (out / "table.md").write_text(table(results), encoding="utf-8")
    (out / "risk-coverage.svg").write_text(plot(results), encoding="utf-8")
    sys.stdout.write(table(results))
    golden = results["this engine"]["golden"]
    sys.stdout.write(
        f"\n×1.00 is {golden['p50']:.1f} ms here (p99 {golden['p99']:.1f} ms). Plot: var/bench/risk-coverage.svg\n"
    )
    sys.stdout.write("\nFrom the arrival of a question to its answer, processor time of one thread:\n\n")
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-m", "bench.parts"], cwd=ROOT, env={**os.environ, **_ONE_THREAD}, check=False
    ).returncode


def _measured(name: str, request: dict[str, Any]) -> Any:
    """Return what a process of its own measured; its memory is that method's alone."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.measure", name],
        input=json.dumps(request), capture_output=True, text=True, cwd=ROOT, env={**os.environ, **_ONE_THREAD}, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{name} could not be measured; the lines above say why.")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
