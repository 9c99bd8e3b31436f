"""How long the gates take: every committed body, from cold.

`python tests/performance/gate_times.py [OP …] [--write]` prints, for each op, the seconds of wall-clock time that the
gates of `tospec verify` report, the compilers' caches emptied before each op. `--write` puts the table into
docs/measurements/gates.md.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measurements" / "gates.md"
BEGIN, END = "<!-- table begins -->\n", "<!-- table ends -->\n"
SHOWN = ("reference", "lower", "compile", "emulate")
"""The other gates take milliseconds."""


@dataclass(frozen=True)
class Row:
    """Seconds: of each gate, and of the whole process."""

    op: str
    gates: dict[str, float]
    whole: float
    cases: int
    builds: int

    @property
    def judged(self) -> float:
        return sum(self.gates.values())

    def __str__(self) -> str:
        each = " | ".join(f"{self.gates.get(gate, 0.0):.1f}" for gate in SHOWN)
        return f"| {self.op} | {self.cases} in {self.builds} | {each} | {self.judged:.1f} | {self.whole:.1f} |"


def main() -> None:
    names = [each for each in sys.argv[1:] if not each.startswith("-")]
    ops = names or sorted(path.parent.name for path in (ROOT / "generated").glob("*/kernel.py"))
    rows = []
    for op in ops:
        rows.append(measure(op))
        print(rows[-1], flush=True)
    text = table(rows)
    print(text)
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        head, tail = page[: page.index(BEGIN)], page[page.index(END) :]
        PAGE.write_text(f"{head}{BEGIN}{text}{tail}", encoding="utf-8")


def table(rows: list[Row]) -> str:
    judged = sorted(row.judged for row in rows)
    at_90 = judged[max(0, -(-len(judged) * 9 // 10) - 1)]
    lines = [
        "| op | cases | reference | lower | compile | emulate | all gates | process |",
        "|---|---|---|---|---|---|---|---|",
        *map(str, rows),
        "",
        f"All gates, {len(rows)} bodies: median {statistics.median(judged):.1f} s, 90th percentile {at_90:.1f} s, "
        f"largest {judged[-1]:.1f} s, together {sum(row.whole for row in rows):.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def measure(op: str) -> Row:
    folder = tempfile.mkdtemp(prefix="tospec-gate-times-")
    try:
        environment = {**os.environ, "TOSPEC_CACHE_DIR": folder}
        verdicts, whole = _timed(["verify", f"specs/{op}.yaml", "--output-format", "json", "--no-save"], environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = json.loads(verdicts)[op]
    facts = next((each["facts"] for each in found if each["gate"] == "emulate"), {})
    seconds = {each["gate"]: each["seconds"] for each in found}
    return Row(op, seconds, whole, facts.get("cases", 0), facts.get("builds", 0))


def _timed(arguments: list[str], environment: dict[str, str]) -> tuple[str, float]:
    """Standard output, and seconds of wall-clock time; SystemExit where the command fails."""
    started = time.monotonic()
    command = [sys.executable, "-m", "tileops_spec.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout, time.monotonic() - started


if __name__ == "__main__":
    main()
