"""The model of `tospec tune` against nvcc, on configurations of the zoo: shared memory, and the verdict "fits".

`python tests/performance/tunables_model.py --keep build/tunables` traces, lowers and compiles them, one at a time, and
prints the page; with `--write` the page goes to docs/measurements/tunables.md. What is in the folder is not compiled
again, so that a run can be broken off and taken up; `--offline` compiles nothing. It needs nvcc, and no GPU.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tileops_spec.analysis.binding import bind_workload
from tileops_spec.analysis.classify import classify
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.compile import SPILL_LIMIT, compile_cuda, find_nvcc, nvcc_version
from tileops_spec.gates.isolation import Completed, Limits, run_isolated, warm_up
from tileops_spec.hardware import TARGETS, Target
from tileops_spec.scaffold.regions import extract_body
from tileops_spec.tune.assess import TASK
from tileops_spec.tune.builds import Build, distinct, trace_builds
from tileops_spec.tune.space import Configuration, Setting, candidates, show

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "measurements" / "tunables.md"
LIMITS = Limits(seconds=900)
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """Up to `most` kernels of one op for one shape, dtype and target."""

    op: str
    values: Mapping[str, Any]
    dtype: str
    target: str
    most: int

    @property
    def label(self) -> str:
        return f"{self.op} {dict(self.values)} {self.dtype} {self.target}"


def jobs() -> Iterator[Job]:
    """Both dtypes on Hopper; rms_norm, which needs no instruction of Hopper's, on Ampere as well."""
    for dtype in ("f16", "bf16"):
        for n, k in ((6144, 4096), (4096, 14336)):
            yield Job("gemm", {"M": 4096, "N": n, "K": k}, dtype, "sm_90a", 14)
        for heads, kept, d, causal in (
            (32, 8, 128, True),
            (16, 16, 64, True),
            (16, 16, 128, False),
            (16, 16, 256, True),
        ):
            shape = {"B": 1, "Sq": 2048, "Sk": 2048, "H": heads, "HK": kept, "D": d}
            yield Job("gqa_fwd", shape | ({} if causal else {"causal": False, "B": 4}), dtype, "sm_90a", 5)
        for d, rows in ((4096, 4096), (8192, 4096), (128, 4096), (1024, 64), (20480, 64), (5120, 64)):
            for target in ("sm_90a", "sm_80") if dtype == "f16" else ("sm_90a",):
                yield Job("rms_norm", {"S": [rows], "D": d}, dtype, target, 14)


class Kept:
    """Records by digest and target, a line each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "compiled.jsonl"
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        self.records: dict[str, Record] = {record["key"]: record for record in map(json.loads, lines)}

    def of(self, job: Job) -> list[Configuration]:
        """The configurations that are known to be kernels of a job."""
        return [each["configuration"] for each in self.records.values() if each.get("job") == job.label]

    def add(self, record: Record) -> None:
        self.records[record["key"]] = record
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def traced(job: Job, only: Sequence[Configuration]) -> dict[str, list[Build]]:
    """The kernels of a job by digest: of some candidates, or of all where none is named."""
    spec = load_spec(ROOT / "specs" / f"{job.op}.yaml", Sink())
    assert spec is not None
    kernel = ROOT / "generated" / job.op / "kernel.py"
    target = TARGETS[job.target]
    setting = Setting(classify(spec).kind, target, target.device)
    space = candidates(extract_body(kernel.read_text(encoding="utf-8")).tunables, setting)
    binding = bind_workload(spec, dict(job.values), {"T": job.dtype})
    return distinct(trace_builds(spec, binding, kernel, only or space, LIMITS))


def compiled(build: Build, target: Target, key: str, nvcc: str) -> Record:
    """What TileLang and nvcc say of one kernel."""
    payload = {"function": build.text, "kernel": "", "target": dict(target.tilelang)}
    outcome = run_isolated("lower", payload, LIMITS)
    record: Record = {"key": key, "configuration": build.configuration, "target": target.name}
    if not isinstance(outcome, Completed):
        return {**record, "lower_error": str(outcome)[:500]}
    found = compile_cuda(outcome.value["cuda"], nvcc, target)
    figures = {"registers": found.registers, "spills": found.spills, "error": found.error, "static": found.shared}
    return {**record, "launches": outcome.value["launches"], **figures}


def assessed(builds: Sequence[Build], target: Target) -> list[Record]:
    payload = {
        "functions": [build.text for build in builds],
        "dims": [],
        "target": target.name,
        "device_key": target.device.key,
        "flops": 1e12,
    }
    outcome = run_isolated(TASK, payload, LIMITS)
    assert isinstance(outcome, Completed), outcome
    return outcome.value


@dataclass(frozen=True, slots=True)
class Compared:
    """One kernel: the model's answer, what is true, and what is wrong with the answer."""

    job: Job
    shared: str
    verdict: str
    truth: str
    faults: tuple[str, ...]


def compare(job: Job, model: Record, record: Record) -> Compared:
    """`shared` is exact, within bounds or wrong. `fits` claims that nothing spills; `too many` that the compile gate
    refuses the kernel."""
    target = TARGETS[job.target]
    launch = record["launches"][0]
    true = launch["shared"] + record["static"]
    least, most = model["shared"]["least"], model["shared"]["most"]
    shared = (
        "exact" if least == most == true else "within bounds" if least < most and least <= true <= most else "wrong"
    )
    verdict = verdict_of(model, target)
    runs = record["error"] is None and true <= target.shared_memory and launch["threads"] <= target.threads_per_block
    truth = "refused" if not runs or record["spills"] > SPILL_LIMIT else "spills" if record["spills"] else "fits"
    wrong = {"fits": truth != "fits", "does not fit": truth != "refused", "unknown": False}[verdict]
    name = f"{job.label} {show(record['configuration'])}"
    faults = [f"{name}: shared memory {least}–{most}, is {true}"] if shared == "wrong" else []
    faults += [f"{name}: `{verdict}`, but it {truth}; {record['spills']} bytes spilled"] if wrong else []
    return Compared(job, shared, verdict, truth, tuple(faults))


def verdict_of(model: Record, target: Target) -> str:
    """The model's answer to: can this be launched, within the target's limits?"""
    shared, registers = model["shared"], model["registers"]
    if shared["least"] > target.shared_memory or model["threads"] > target.threads_per_block:
        return "does not fit"
    if registers["answer"] == "too many":
        return "does not fit"
    return "fits" if shared["most"] <= target.shared_memory and registers["answer"] == "fits" else "unknown"


def run(kept: Kept, options: argparse.Namespace) -> Iterator[Compared]:
    """Every job: what is kept is not compiled again, and with `--offline` nothing is."""
    end = 0.0 if options.offline else time.monotonic() + options.minutes * 60
    for number, job in enumerate(each for each in jobs() if not options.op or each.op in options.op):
        known = kept.of(job)
        if options.offline and not known:
            continue
        groups = traced(job, known if options.offline or len(known) >= job.most else ())
        found = sampled(job, number, groups, kept, end)
        models = assessed([groups[digest][0] for digest in found], TARGETS[job.target]) if found else []
        print(f"{job.label}: {len(found)} kernels", flush=True)
        pairs = zip(found.values(), models, strict=True)
        yield from (compare(job, model, record) for record, model in pairs)


def sampled(job: Job, number: int, groups: Mapping[str, list[Build]], kept: Kept, end: float) -> dict[str, Record]:
    """Records of up to `job.most` kernels by digest: those that are kept, then some that are compiled before `end`."""
    target, nvcc = TARGETS[job.target], find_nvcc()
    keys = sorted(groups)
    random.Random(number).shuffle(keys)
    keys.sort(key=lambda digest: digest + target.name not in kept.records)
    for digest in keys[: job.most]:
        key = digest + target.name
        if key not in kept.records and nvcc and time.monotonic() < end:
            kept.add(compiled(groups[digest][0], target, key, nvcc))
        if key in kept.records and kept.records[key].get("job") != job.label:
            kept.add({**kept.records[key], "configuration": groups[digest][0].configuration, "job": job.label})
    records = {digest: kept.records.get(digest + target.name, {}) for digest in keys[: job.most]}
    return {digest: record for digest, record in records.items() if "launches" in record}


def page(found: Sequence[Compared]) -> str:
    """The measured page, with a table by op, dtype and target."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for each in found:
        row = counts.setdefault((each.job.op, each.job.dtype, each.job.target), Counter())
        row.update(("all", each.shared, f"says {each.verdict}", f"is {each.truth}", f"{each.verdict}>{each.truth}"))
    columns = ("all", "exact", "says fits", "says unknown", "says does not fit", "is fits", "is spills", "is refused")
    heads = (
        "kernels",
        "memory exact",
        "fits",
        "unknown",
        "does not fit",
        "compiles clean",
        "spills a little",
        "refused",
    )
    lines = [f"| op | dtype | target | {' | '.join(heads)} |", "|---|---|---|" + "---:|" * len(heads)]
    total: Counter[str] = Counter()
    for (op, dtype, target), row in sorted(counts.items()):
        lines.append(f"| {op} | {dtype} | {target} | {' | '.join(str(row[name]) for name in columns)} |")
        total.update(row)
    lines.append(f"| all | | | {' | '.join(str(total[name]) for name in columns)} |")
    faults = [fault for each in found for fault in each.faults]
    said = [f"- {fault}" for fault in faults] or ["Nothing that the model said was wrong."]
    return "\n".join((*_head(len(found), len(faults)), *lines, "", "## Wrong answers", "", *said, ""))


def _head(count: int, faults: int) -> Iterator[str]:
    from importlib.metadata import version

    nvcc = find_nvcc()
    tools = f"TileLang {version('tilelang')}, nvcc {nvcc_version(nvcc) if nvcc else 'missing'}"
    yield "# The model of `tospec tune` against nvcc"
    yield ""
    yield (
        f"{date.today()}, {tools}: {count} kernels of the zoo, {faults} wrong answers "
        "(`tests/performance/tunables_model.py`)."
    )
    yield ""
    yield (
        "The model sees the tile-level TIR alone. *memory exact*: its figure is the dynamic memory of the launch plus "
        "the static memory that ptxas reports, to the byte. *fits* claims that the kernel compiles within the target's "
        "limits and spills nothing; *does not fit* that it does not, or spills more than "
        f"{SPILL_LIMIT} bytes a thread; *unknown* claims nothing, and keeps the candidate. The three columns after "
        "them are what nvcc made of the same kernels."
    )
    yield ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "tunables", help="where results are kept")
    parser.add_argument("--op", action="append", help="only this op; repeatable")
    parser.add_argument("--minutes", type=float, default=60, help="compile no more after that long")
    parser.add_argument("--offline", action="store_true", help="compile nothing")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    warm_up()
    found = list(run(Kept(options.keep), options))
    text = page(found)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 1 if any(each.faults for each in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
