"""Timing a shortlist, with a made-up clock and kernels that run emulated; what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tileops_spec.analysis.binding import bind_workload
from tileops_spec.check import load_spec
from tileops_spec.deliver.project import Project
from tileops_spec.deliver.tuning.planned import TuneOptions, Tuning, UnknownNameError, plan_spec
from tileops_spec.deliver.tuning.text import plan_json, plan_lines, row_lines
from tileops_spec.deliver.tuning.timed import keep_report, time_plan
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.hardware import TARGETS
from tileops_spec.ir.spec import Workload
from tileops_spec.scaffold.regions import extract_body
from tileops_spec.tune.plan import Request, WorkloadPlan
from tileops_spec.tune.shortlist import RULES, Judged, Shortlist

DEFAULT = {"threads": 128, "elements": 32}
SMALL = {"threads": 64, "elements": 16}
BROKEN = {"threads": 128, "elements": "many"}
MODEL = {
    "shared": {"least": 512, "most": 512, "static": 0},
    "registers": {"used": 64, "tiles": 32, "limit": 255, "answer": "fits"},
    "occupancy": {"blocks": 8, "bound": "registers"},
    "workloads": [],
}
ESTIMATE = {"waves": 1.5, "seconds": 12.5e-6, "bound": "memory"}


class Clock:
    """The second of two variants is the faster one; every other round they come in reverse."""

    def __init__(self) -> None:
        self.calls = 0

    def milliseconds(self, call: Callable[[], Any]) -> float:
        turn, place = divmod(self.calls, 2)
        self.calls += 1
        call()
        return 2.0 if turn % 2 == place else 1.0


@pytest.fixture
def tuning(root: Path, tmp_path: Path) -> Tuning:
    spec = load_spec(root / "specs" / "rms_norm.yaml", Sink())
    assert spec is not None
    kernel = root / "generated" / "rms_norm" / "kernel.py"
    tunables = extract_body(kernel.read_text(encoding="utf-8")).tunables
    target = TARGETS["sm_90a"]
    request = Request(spec=spec, kernel=kernel, tunables=tunables, target=target, device=target.device)
    workload = Workload(name="tiny", values=(("S", (3, 1)), ("D", 64)))
    chosen = tuple(Judged(each, assessment=MODEL, estimate=ESTIMATE) for each in (DEFAULT, SMALL, BROKEN))
    dropped = {**dict.fromkeys(RULES, 0), "rank": 57}
    plan = WorkloadPlan(workload, bind_workload(spec, dict(workload.values)), Shortlist(60, chosen, dropped, chosen))
    return Tuning(spec=spec, project=Project(tmp_path), request=request, plans=(plan,))


def test_what_runs_and_agrees_is_timed(tuning: Tuning) -> None:
    clock = Clock()
    row = time_plan(tuning, tuning.plans[0], 2, clock, device="cpu")
    assert [each.configuration for each in row.timed if each.failed is None] == [SMALL, DEFAULT]
    assert (row.best.configuration, row.gain) == (SMALL, 2.0)
    assert row.timed[-1].failed is not None
    assert clock.calls == 2 * (2 + 5)  # two variants, two rounds after the warm-up
    shown = "\n".join(row_lines([row]))
    assert "best: threads=64 elements=16, 2.000× the default's speed" in shown


def test_the_report_is_kept(tuning: Tuning) -> None:
    path = keep_report(tuning, {"version": 1})
    assert path == tuning.project.root / ".tospec" / "tune" / "rms_norm.json"
    assert path.read_text(encoding="utf-8") == '{\n  "version": 1\n}\n'


def test_plans_as_lines_and_as_data(tuning: Tuning) -> None:
    lines = list(plan_lines(tuning))
    assert lines[0] == "rms_norm on sm_90a (H200)"
    assert "tiny: S=3×1, D=64, T=f16" in lines
    assert "  60 candidates: 57 rank below, 3 to be timed" in lines
    shown = "threads=64 elements=16 512 B 64 yes 8 (registers) 1.50 12.5 µs memory"
    assert shown in [" ".join(line.split()) for line in lines]
    (workload,) = plan_json(tuning)["workloads"]
    assert workload["shortlist"][1]["configuration"] == SMALL
    assert workload["values"] == {"S": [3, 1], "D": 64}


def test_what_is_missing_is_told(root: Path) -> None:
    sink = Sink()
    assert plan_spec(root / "specs" / "log_softmax.yaml", TuneOptions(), sink) is None
    assert [each.code for each in sink.diagnostics] == ["TS461"]
    with pytest.raises(UnknownNameError, match="llama3-8b"):
        plan_spec(root / "specs" / "rms_norm.yaml", TuneOptions(workloads=("none",)), Sink())
    with pytest.raises(UnknownNameError, match="sm_90a"):
        plan_spec(root / "specs" / "rms_norm.yaml", TuneOptions(target="sm_1"), Sink())
