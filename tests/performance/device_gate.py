"""The device gate on committed bodies and on mutants of them, beside what the simulator said of the same kernels.

`PYTHONPATH=. python tests/performance/device_gate.py --mutants FOLDER --output rows.json` on a machine with a GPU. The
folder is one that `tospec mutate … --save FOLDER` has written, here or elsewhere. Kernels whose row is in the output
already are not run again, and after `--budget` seconds no other is begun: run it again until none is left. `--write`
puts the table into docs/measurements/device-gate.md. Exit 4 without a GPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tileops_spec.analysis.cases import Case
    from tileops_spec.ir.spec import Spec

ROOT = Path(__file__).parents[2]
OPS = tuple(sorted(path.parent.name for path in (ROOT / "generated").glob("*/kernel.py")))
PAGE = ROOT / "docs" / "measurements" / "device-gate.md"
BEGIN, END = "<!-- table begins -->\n", "<!-- table ends -->\n"
_NO_GPU = 4
_COMMITTED = "none"
"""The change that a committed body has."""


@dataclass(frozen=True)
class Item:
    """A kernel.py, and what the gates on the CPU said: `passed` or `killed`, and by which code."""

    name: str
    op: str
    path: str
    simulated: str
    code: str | None
    change: str
    by: str = ""
    """What the gate said: a finding ends with the label of its case, in parentheses."""


@dataclass(frozen=True)
class Row:
    """The item's two verdicts; `device` is a status of the gate."""

    name: str
    op: str
    change: str
    simulated: str
    code: str | None
    device: str
    device_codes: tuple[str, ...]
    summary: str
    seconds: float
    sanitizers: dict[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return (self.simulated == "passed") == (self.device == "passed")


def committed(ops: Sequence[str]) -> Iterator[Item]:
    """The bodies that the gates on the CPU passed."""
    for op in ops:
        yield Item(f"{op} (committed)", op, str(ROOT / "generated" / op / "kernel.py"), "passed", None, _COMMITTED)


def mutants(folder: Path) -> Iterator[Item]:
    """Those that the emulate gate judged, by the manifests that lie in the folder or one below it."""
    manifests = sorted((*folder.glob("manifest.json"), *folder.glob("*/manifest.json")))
    entries = [[(path, each) for each in json.loads(path.read_text(encoding="utf-8"))] for path in manifests]
    for together in zip_longest(*entries):  # ops in turn: a budget that runs out has some of each
        for manifest, entry in filter(None, together):
            if entry["status"] in ("survived", "presumed") or entry["gate"] == "emulate":
                simulated = "killed" if entry["status"] == "killed" else "passed"
                path = str((manifest.parent / entry["file"]).resolve())
                yield Item(
                    entry["file"], entry["op"], path, simulated, entry["code"], entry["change"], entry.get("by", "")
                )


def read_rows(path: Path) -> dict[str, Row]:
    """The rows of an earlier run, by name."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {each["name"]: Row(**{**each, "device_codes": tuple(each["device_codes"])}) for each in rows}


def summary(label: str, rows: Sequence[Row]) -> list[str]:
    own = sum(row.change == _COMMITTED for row in rows)
    return [f"{own} bodies and {len(rows) - own} mutants were run on {label}.", "", *table(rows)]


def table(rows: Sequence[Row]) -> list[str]:
    """How often the two agree, a line an op; then every disagreement."""
    lines = ["| op | kernels | both pass | both refuse | simulator alone refuses | GPU alone refuses |"]
    lines.append("|---|---|---|---|---|---|")
    for op in sorted({row.op for row in rows}):
        own = [(row.simulated == "passed", row.device == "passed") for row in rows if row.op == op]
        counts = [own.count(each) for each in ((True, True), (False, False), (False, True), (True, False))]
        lines.append(f"| {op} | {len(own)} | {' | '.join(map(str, counts))} |")
    lines += ["", "Disagreements:", ""]
    lines += [_disagreement(row) for row in rows if not row.agrees] or ["none"]
    return lines


def _disagreement(row: Row) -> str:
    simulator = row.simulated if row.code is None else f"{row.simulated} {row.code}"
    device = " ".join((row.device, *row.device_codes))
    return f"- {row.name}: `{row.change}`: simulator {simulator}, GPU {device}: {row.summary}"


def judge(item: Item, cases: int, limit: float) -> Row:
    """The device gate on one kernel, by cases of those that its op is proven with, and the one that refuted it."""
    from tileops_spec.deliver.build import committed_plan
    from tileops_spec.deliver.lint import lint_spec
    from tileops_spec.deliver.project import find_project
    from tileops_spec.deliver.prove import Effort, proof_cases
    from tileops_spec.diagnostics.diagnostic import Sink
    from tileops_spec.diagnostics.text import SourceText
    from tileops_spec.gates.device.gate import check_on_device
    from tileops_spec.gates.device.inputs import chosen_cases
    from tileops_spec.gates.isolation import Limits
    from tileops_spec.gates.more_cases import with_more_cases
    from tileops_spec.hardware import TARGETS

    path, sink = ROOT / "specs" / f"{item.op}.yaml", Sink()
    spec = lint_spec(path, sink)
    assert spec is not None
    plan = committed_plan(spec, find_project(path), sink)
    assert plan is not None
    drawn = with_more_cases(spec, plan.body, proof_cases(spec, Effort(), plan.files["kernel.py"]))
    chosen = [case for case, workload in chosen_cases(spec, drawn, cases) if workload is None]
    if item.change != _COMMITTED:
        spec = replace(spec, workloads=())  # a mutant meets the drawn cases alone
        chosen = list(dict.fromkeys((*refuting_case(spec, item.by), *chosen)))[:cases]
    kernel = SourceText(item.path, Path(item.path).read_text(encoding="utf-8"))
    verdict = check_on_device(spec, chosen, kernel, TARGETS[spec.hardware.targets[0]], Limits(seconds=limit))
    codes = tuple(dict.fromkeys(each.code for each in verdict.diagnostics))
    said = (verdict.status, codes, verdict.summary, round(verdict.seconds, 1))
    sanitizers = dict(verdict.facts.get("sanitizers", {}))
    return Row(item.name, item.op, item.change, item.simulated, item.code, *said, sanitizers)


def refuting_case(spec: Spec, said: str) -> list[Case]:
    """The case whose label ends a finding; nothing where none does, or where it is a build with other tunables."""
    from tileops_spec.analysis.case_text import CaseError, parse_case

    label, _, tunables = said.rpartition("(")[2].rstrip(")").partition(", ")
    pairs, _, data = label.rpartition(" ")
    try:
        return [parse_case(f"{pairs} data={data}", spec)] if pairs and not tunables else []
    except CaseError:
        return []


def run(options: argparse.Namespace, label: str) -> int:
    """Every item without a row, until the budget is spent."""
    items = [*committed(options.op or OPS), *(mutants(options.mutants) if options.mutants else ())]
    rows = read_rows(options.output)
    waiting = [each for each in items if each.name not in rows]
    for row in judged(waiting, options):
        if row.device == "skipped":
            print(f"{row.name}: {row.summary}", file=sys.stderr)
            return _NO_GPU
        rows[row.name] = row
        text = json.dumps({"device": label, "rows": [asdict(each) for each in rows.values()]}, indent=1)
        options.output.write_text(text + "\n", encoding="utf-8")
        print(f"{row.device:10} {row.seconds:6.1f} s  {row.name}: {row.summary}", flush=True)
    lines = summary(label, list(rows.values()))
    print("\n".join(lines))
    if options.write:
        write_table(lines)
    return 0


def write_table(lines: Sequence[str]) -> None:
    """Put the table into its place of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}{text}\n{END}{after}", encoding="utf-8")


def judged(items: Sequence[Item], options: argparse.Namespace) -> Iterator[Row]:
    """Rows as they come, several kernels at a time; none is begun after the budget."""
    end = time.time() + options.budget
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(judge_before, end, each, options.cases, options.limit) for each in items]
        for job in as_completed(jobs):
            row = job.result()
            if row is not None:
                yield row


def judge_before(end: float, item: Item, cases: int, limit: float) -> Row | None:
    """None where time has run out, or another row if the gate itself breaks."""
    if time.time() > end:
        return None
    try:
        return judge(item, cases, limit)
    except Exception as error:
        said = ("broken", (), f"{type(error).__name__}: {error}"[:500], 0.0)
        return Row(item.name, item.op, item.change, item.simulated, item.code, *said)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=Path, help="The folder that `tospec mutate --save` wrote.")
    parser.add_argument("--output", type=Path, default=Path("device-gate.json"), help="Rows so far, read and written.")
    parser.add_argument("--write", action="store_true", help="Put the table into docs/measurements/device-gate.md.")
    parser.add_argument("--budget", type=float, default=540.0, help="Seconds after which no other kernel is begun.")
    parser.add_argument("--cases", type=int, default=5, help="Cases a kernel, besides workloads.")
    parser.add_argument("--limit", type=float, default=60.0, help="Seconds a check.")
    parser.add_argument("--op", action="append", choices=OPS, help="Only this committed body; repeatable.")
    parser.add_argument("--jobs", type=int, default=4, help="Kernels at a time.")
    options = parser.parse_args(arguments)
    from tileops_spec.gates.device.machine import find_machine

    machine = find_machine()
    if machine is None:
        print("no GPU on this machine (nvidia-smi shows none): nothing was measured", file=sys.stderr)
        return _NO_GPU
    return run(options, f"{machine.label}, driver {machine.driver}")


if __name__ == "__main__":
    sys.exit(main())
