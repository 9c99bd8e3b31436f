"""How long `tospec lint` takes, by the number of specs: `python tests/performance/lint_benchmark.py [SIZE …]`.

The specs are variants of those under specs/: another name, and other names of dims, so that no two are alike. Times are
processor seconds of whole processes, user and system, the least of three runs. "all checks" runs with `--no-cache`,
"all known" with every file in the cache, "one changed" with every file but one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink

ROOT = Path(__file__).resolve().parent.parent.parent
SIZES = (20, 180, 500, 1000, 2000)
RUNS = 3
COLUMNS = ("specs", "all checks", "ms a spec", "all known", "ms a spec", "one changed")


def variants(folder: Path, number: int) -> None:
    """Write that many specs into a folder."""
    originals = [_Original(path) for path in sorted((ROOT / "specs").glob("*.yaml"))]
    for each in range(number):
        name, text = originals[each % len(originals)].variant(each)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


class _Original:
    """A committed spec, and a pattern for its op and the names of its dims."""

    def __init__(self, path: Path) -> None:
        sink = Sink()
        spec = load_spec(path, sink)
        if spec is None:
            raise SystemExit(f"{path} does not load: {sink.errors[0].message}")
        self.op, self.text = spec.op, path.read_text(encoding="utf-8")
        self.dims = re.compile(rf"\b({'|'.join(dim.name for dim in spec.dims)})\b")

    def variant(self, number: int) -> tuple[str, str]:
        name = f"{self.op}_{number:04}"
        renamed = self.dims.sub(rf"\g<1>{number}", self.text)
        return name, re.sub(rf"^op: {self.op}$", f"op: {name}", renamed, flags=re.M)


def seconds(project: Path, *flags: str) -> float:
    """Processor seconds of one run, which must find nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(project / "bytecode")}
    environment |= {"XDG_CACHE_HOME": str(project / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = (sys.executable, "-m", "tileops_spec.cli", "lint", "specs", *flags)
    before = os.times()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        raise SystemExit(f"lint fails: {done.stdout[:2000]}{done.stderr[:2000]}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure(number: int) -> tuple[float, float, float]:
    """Seconds with no cache, with all files known, with all but one known."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "tospec.lock").touch()
        (project / "specs").mkdir()
        variants(project / "specs", number)
        seconds(project)  # bytecode, tables of the grammar, and the cache
        checked = min(seconds(project, "--no-cache") for _ in range(RUNS))
        known = min(seconds(project) for _ in range(RUNS))
        return checked, known, min(_one_changed(project, run) for run in range(RUNS))


def _one_changed(project: Path, run: int) -> float:
    path = min((project / "specs").iterdir())
    path.write_text(f"{path.read_text(encoding='utf-8')}# {run}\n", encoding="utf-8")
    return seconds(project)


def main() -> None:
    """Print the table as Markdown."""
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---:" * len(COLUMNS) + "|")
    for number in [int(size) for size in sys.argv[1:]] or SIZES:
        checked, known, changed = measure(number)
        cells = (f"{checked:.2f} s", f"{1000 * checked / number:.1f}", f"{known:.2f} s", f"{1000 * known / number:.2f}")
        print(f"| {number} | {' | '.join(cells)} | {changed:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
