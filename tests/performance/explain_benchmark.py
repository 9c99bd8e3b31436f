"""How long `tospec explain` takes on each spec.

`python tests/performance/explain_benchmark.py > docs/measurements/explain.md` writes the page. Times are processor
seconds of whole processes, user and system, the least of three runs.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = 3
COLUMNS = 4


def seconds(path: Path) -> float:
    """Processor seconds of one run."""
    command = (sys.executable, "-m", "tileops_spec.cli", "explain", str(path))
    before = os.times()
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def page(times: dict[str, float]) -> Iterator[str]:
    """The page of measurements: the distribution, then every spec, the slowest first."""
    slowest = max(times, key=lambda name: times[name])
    yield "# How long `tospec explain` takes"
    yield ""
    yield f"{date.today()}, Python {platform.python_version()}, {platform.machine()}; processor seconds of"
    yield f"whole processes, user and system, least of {RUNS} runs (`python tests/performance/explain_benchmark.py`)."
    yield ""
    yield "| specs | median | largest | of |"
    yield "|---:|---:|---:|---|"
    yield f"| {len(times)} | {statistics.median(times.values()):.2f} s | {times[slowest]:.2f} s | {slowest} |"
    yield ""
    rows = sorted(times.items(), key=lambda item: -item[1])
    yield "| " + " | ".join(["spec", "s"] * COLUMNS) + " |"
    yield "|" + "---|---:|" * COLUMNS
    for at in range(0, len(rows), COLUMNS):
        cells = [cell for name, taken in rows[at : at + COLUMNS] for cell in (name, f"{taken:.2f}")]
        yield "| " + " | ".join(cells + [""] * (2 * COLUMNS - len(cells))) + " |"


def main() -> None:
    times = {}
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        times[path.stem] = min(seconds(path) for _ in range(RUNS))
        print(f"{path.stem} {times[path.stem]:.2f}", file=sys.stderr)
    print("\n".join(page(times)))


if __name__ == "__main__":
    main()
