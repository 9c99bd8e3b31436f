"""The checks of the device gate, each seen to fire: kernels with a fault each, on a platform without a GPU."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tileops_spec.analysis.cases import DISTRIBUTIONS, draw_cases
from tileops_spec.analysis.expected import expected_outputs
from tileops_spec.gates.device import gate, spawn
from tileops_spec.gates.device.arena import Arena
from tileops_spec.gates.device.calls import CALLS, Session
from tileops_spec.gates.device.inputs import builds_of, chosen_cases, workload_cases
from tileops_spec.gates.device.machine import Machine, parse_machine
from tileops_spec.gates.isolation import Completed, Crashed, Limits, Raised, TimedOut
from tileops_spec.hardware import TARGETS

from .conftest import LIMITS
from .device_platform import CpuPlatform, product

TARGET = TARGETS["sm_90a"]


class Faulty:
    """The product, with one fault; `platform` is what the kernel sees of its surroundings."""

    def __init__(self, fault: str, platform: CpuPlatform) -> None:
        self.fault, self.platform = fault, platform
        self.number, self.kept = 0, {}

    def __call__(self, tensors) -> None:
        self.number += 1
        product(tensors)
        getattr(self, f"_{self.fault}")(*tensors)

    def _none(self, a, b, c) -> None:
        pass

    def _wrong(self, a, b, c) -> None:
        c.view(-1)[-1] += 100

    def _changes_input(self, a, b, c) -> None:
        a.view(-1)[0] += 1

    def _beyond(self, a, b, c) -> None:
        torch.as_strided(c, (1,), (1,), c.storage_offset() + c.numel()).fill_(0)

    def _unwritten(self, a, b, c) -> None:
        c[-1].view(torch.uint8).fill_(0xFF)

    def _last_call(self, a, b, c) -> None:
        if self.number == CALLS + 2:
            c.view(-1)[0] += 100

    def _random(self, a, b, c) -> None:
        c.view(-1)[0] += 0.5 * c.view(-1)[0].abs() + self.number % 3

    def _by_pointer(self, a, b, c) -> None:
        c.copy_(self.kept.setdefault(a.data_ptr(), c.clone()))

    def _by_alignment(self, a, b, c) -> None:
        if (c.storage_offset() * c.element_size()) % 4096:
            c.view(-1)[0] += 100

    def _stream(self, a, b, c) -> None:
        if self.platform.on_stream:
            c.zero_()

    def _uncapturable(self, a, b, c) -> None:
        if self.platform.capturing:
            raise RuntimeError("operation not permitted when stream is capturing")

    def _graph(self, a, b, c) -> None:
        if self.platform.capturing:
            self.kept["value"] = c.clone()
        elif "value" in self.kept and self.platform.device == 0:
            c.copy_(self.kept["value"])

    def _device(self, a, b, c) -> None:
        if self.platform.device:
            c.zero_()

    def _launch(self, a, b, c) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")


FAULTS = {
    "wrong": "TS431",
    "changes_input": "TS437",
    "beyond": "TS442",
    "unwritten": "TS436",
    "last_call": "TS443",
    "random": "TS444",
    "by_pointer": "TS431",
    "by_alignment": "TS443",
    "stream": "TS445",
    "uncapturable": "TS446",
    "graph": "TS446",
    "device": "TS447",
    "launch": "TS448",
}


def serve(fault: str, devices: int = 2, atomics: bool = False):
    """A child's calls, in this process."""

    def calls(request, limits):
        runs = []
        for number, sets in enumerate(request["runs"]):
            platform = CpuPlatform(devices)
            kernel = Faulty(fault, platform)
            runs.append(Session(platform, kernel, sets, Path(request["outputs"]), number).run())
        return Completed({"runs": runs, "atomics": atomics, "devices": devices})

    return calls


def judged(gemm, kernel, cases, fault: str, monkeypatch, **how):
    monkeypatch.setattr(gate, "trace_all", lambda requests, limits: [Completed("{}") for _ in requests])
    monkeypatch.setattr(gate, "_references", lambda spec, cases: [])
    expect = lambda case, inputs: expected_outputs(gemm, case.binding(gemm), inputs)  # noqa: E731
    chosen = [(case, None) for case in cases]
    return gate.run_device(gemm, chosen, kernel, TARGET, LIMITS, serve(fault, **how), expect)


@pytest.fixture(scope="session")
def small(cases):
    """The case of least work."""
    return min(cases, key=lambda case: math.prod(size for _, size in case.dims))


def test_honest_kernel_passes(gemm, small, kernel_of, honest, monkeypatch) -> None:
    findings, facts, smallest = judged(gemm, kernel_of(honest), [small], "none", monkeypatch)
    assert findings == []
    assert facts["cases"] == 1
    assert facts["calls"] == CALLS + 2 + 1 + 2 + 1
    assert (facts["streams"], facts["graph_replays"], facts["other_devices"]) == (1, 2, 1)
    assert facts["determinism"] == "bitwise"
    assert smallest is not None
    assert len(smallest[1].runs) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_seen(gemm, small, kernel_of, honest, fault, monkeypatch) -> None:
    kernel = kernel_of(honest)
    findings, _, _ = judged(gemm, kernel, [small], fault, monkeypatch)
    assert FAULTS[fault] in {each.code for each in findings}
    for each in findings:
        assert small.label in each.message
        assert "\n" not in each.message
        assert each.help
        assert each.span.path == kernel.path
    if fault not in ("last_call", "stream"):
        return
    again, _, _ = judged(gemm, kernel, [small], fault, monkeypatch)
    assert [(each.code, each.message) for each in again] == [(each.code, each.message) for each in findings]


def test_one_device_is_stated_not_passed(gemm, small, kernel_of, honest, monkeypatch) -> None:
    findings, facts, _ = judged(gemm, kernel_of(honest), [small], "device", monkeypatch, devices=1)
    assert findings == []
    assert facts["other_devices"] == "not run: there is one GPU"


def test_atomics_are_held_to_the_bound(gemm, small, kernel_of, honest, monkeypatch) -> None:
    """Bits may differ then, values may not."""
    findings, facts, _ = judged(gemm, kernel_of(honest), [small], "random", monkeypatch, atomics=True)
    assert {each.code for each in findings} == {"TS431"}
    assert facts["determinism"] == "within the bound: atomics"


def test_cases_show_every_distribution_and_workload(gemm) -> None:
    chosen = chosen_cases(gemm, draw_cases(gemm, count=24, seed=1))
    assert {case.data for case, workload in chosen if workload is None} == set(DISTRIBUTIONS)
    assert [workload for _, workload in workload_cases(gemm)] == [each.name for each in gemm.workloads]


def test_cases_show_builds_that_were_added_to_the_drawn_ones(gemm) -> None:
    drawn = draw_cases(gemm, count=24, seed=1, static_shapes=2)
    added = replace(drawn[0], dims=tuple({**dict(drawn[0].dims), "K": 4096}.items()))
    assert added in dict(chosen_cases(gemm, (*drawn, added)))


def test_sets_of_inputs_differ(gemm, small, tmp_path) -> None:
    (build,) = builds_of(gemm, [(small, None)], "kernel.py", tmp_path)
    first, second, third = (each["A"] for each in build.runs[0].inputs)
    assert not any((first.equal(second), second.equal(third), first.equal(third)))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Crashed("SIGSEGV", ""), "TS433"),
        (TimedOut(3.0), "TS434"),
        (Raised("RuntimeError", "nvcc failed", None), "TS448"),
    ],
)
def test_dead_child_is_a_finding(gemm, small, kernel_of, honest, outcome, code, monkeypatch) -> None:
    monkeypatch.setattr(gate, "trace_all", lambda requests, limits: [Completed("{}") for _ in requests])
    monkeypatch.setattr(gate, "_references", lambda spec, cases: [])
    chosen = [(small, None)]
    found, _, _ = gate.run_device(
        gemm, chosen, kernel_of(honest), TARGET, LIMITS, lambda request, limits: outcome, lambda *_: {}
    )
    assert [each.code for each in found] == [code]


def test_skipped_with_a_reason(gemm, cases, kernel_of, honest, monkeypatch) -> None:
    kernel = kernel_of(honest)
    left_out = gate.check_on_device(gemm, cases, kernel, TARGET, LIMITS, wanted=False)
    assert (left_out.status, left_out.summary) == ("skipped", "skipped: left out by --no-device")
    monkeypatch.setattr(gate, "find_machine", lambda: None)
    without = gate.check_on_device(gemm, cases, kernel, TARGET, LIMITS)
    assert without.status == "skipped"
    assert "no GPU" in without.summary
    monkeypatch.setattr(gate, "find_machine", lambda: Machine(("Some GPU",), "1.0"))
    monkeypatch.setattr(spawn, "holding_layers", lambda: ((), Raised("RuntimeError", "no CUDA", None)))
    broken = gate.check_on_device(gemm, cases, kernel, TARGET, LIMITS)
    assert broken.status == "skipped"
    assert "no CUDA" in broken.summary


def test_machine_from_the_driver_s_list() -> None:
    assert parse_machine("NVIDIA H200, 580.1\nNVIDIA H200, 580.1\n") == Machine(("NVIDIA H200",) * 2, "580.1")
    assert parse_machine("NVIDIA H200, 580.1\n").label == "NVIDIA H200"
    assert parse_machine("No devices were found\n") is None


def test_child_has_no_keys_and_its_own_caches(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    environment = spawn.child_environment(tmp_path)
    assert "secret" not in environment.values()
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert environment["TILELANG_CACHE_DIR"] == str(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_spawned_child_says_that_there_is_no_gpu() -> None:
    outcome, _ = spawn.spawn("start", {}, Limits(seconds=60))
    assert isinstance(outcome, Raised)


def test_late_child_is_ended() -> None:
    outcome, _ = spawn.spawn("start", {}, Limits(seconds=0.05))
    assert outcome == TimedOut(0.05)


def test_a_tensor_without_axes_is_one_element_to_the_kernel() -> None:
    records = [{"name": "scale", "role": "input", "shape": [], "dtype": "float32"}]
    arena = Arena.lay_out(CpuPlatform(), records)
    arena.fill({"scale": torch.tensor([2.0]).view(torch.uint8)})
    (scale,) = arena.tensors
    assert scale.tolist() == [2.0]


@pytest.mark.parametrize("calls_began", [False, True])
def test_want_of_memory_says_nothing_of_the_kernel(gemm, small, kernel_of, honest, calls_began, monkeypatch) -> None:
    monkeypatch.setattr(gate, "trace_all", lambda requests, limits: [Completed("{}") for _ in requests])
    monkeypatch.setattr(gate, "_references", lambda spec, cases: [])
    said = "AcceleratorError: CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'"
    call = {"kind": "call", "number": 1, "set": 0, "error": said}
    outcome = Raised("AcceleratorError", said, None)
    if calls_began:
        outcome = Completed({"runs": [[call]], "atomics": False, "devices": 1})
    found, facts, _ = gate.run_device(
        gemm, [(small, None)], kernel_of(honest), TARGET, LIMITS, lambda request, limits: outcome, lambda *_: {}
    )
    assert found == []
    assert facts["no_memory_for"] == [small.label]
    assert facts["calls"] == 0


def test_a_gate_that_found_no_memory_at_all_is_skipped(gemm, small, kernel_of, honest, monkeypatch) -> None:
    facts = {"calls": 0, "no_memory_for": [small.label]}
    monkeypatch.setattr(gate, "find_machine", lambda: Machine(("Some GPU",), "1.0"))
    monkeypatch.setattr(spawn, "holding_layers", lambda: ((), Completed({"cuda": "13.0"})))
    monkeypatch.setattr(gate, "run_device", lambda *_: ([], facts, None))
    verdict = gate.check_on_device(gemm, [small], kernel_of(honest), TARGET, LIMITS)
    assert verdict.status == "skipped"
    assert "Some GPU had no memory left" in verdict.summary


def test_builds_wait_for_their_turn_without_losing_time(gemm, cases, kernel_of, honest, monkeypatch) -> None:
    """Each is given a file to lock and its own seconds; what waits has longer."""
    monkeypatch.setattr(gate, "trace_all", lambda requests, limits: [Completed("{}") for _ in requests])
    monkeypatch.setattr(gate, "_references", lambda spec, cases: [])
    asked = []

    def note(request, limits):
        asked.append((request["seconds"], Path(request["turn"]).exists(), limits.seconds > request["seconds"]))
        return TimedOut(1.0)

    chosen = [(case, None) for case in cases[:4]]
    gate.run_device(gemm, chosen, kernel_of(honest), TARGET, LIMITS, note, lambda *_: {})
    assert asked
    assert {(exists, longer) for _, exists, longer in asked} == {(True, True)}


def test_the_clock_of_a_child_ends_it() -> None:
    """Even in native code: nothing of Python's runs then."""
    code = "import time; from tileops_spec.gates.device.child import end_after; end_after(0.2); time.sleep(30)"
    done = subprocess.run([sys.executable, "-c", code], timeout=25)
    assert done.returncode == -signal.SIGALRM
