"""The search script, as far as it goes without a GPU: its answer from made-up times, its options, its refusal."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

COUNTS = {"candidates": 60, "kernels": 4, "failed": 1}


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    path = root / "tests" / "performance" / "tuning_search.py"
    spec = importlib.util.spec_from_file_location("tuning_search", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("times", "kept", "behind"),
    [
        ({"a": 1.0, "b": 1.2, "c": 1.1}, True, 0.0),
        ({"a": 1.009, "b": 1.2, "c": 1.0}, True, 0.009),  # as fast, as far as two runs of one kernel tell
        ({"a": 1.05, "b": 1.2, "c": 1.0}, False, 0.05),
        ({"b": 1.1, "c": 1.0}, False, 0.1),  # `a` does not run
    ],
)
def test_the_answer(script: ModuleType, times: dict, kept: bool, behind: float) -> None:
    found = script.answer("gemm", "w", COUNTS, times, ["a", "b"])
    assert (found.kept, found.few, found.best) == (kept, True, min(times, key=times.get))
    assert found.behind == pytest.approx(behind)
    assert found.whole is (len(times) == 3)


def test_nothing_timed_is_no_answer(script: ModuleType) -> None:
    found = script.answer("gemm", "w", COUNTS, {}, ["a"])
    assert (found.kept, found.whole, found.best) == (False, False, None)
    assert "nothing timed" in script.lines([found])[0]


def test_a_long_shortlist_does_not_count(script: ModuleType) -> None:
    found = script.answer("gemm", "w", {**COUNTS, "failed": 0}, dict.fromkeys("abcd", 1.0), list("abcdefg"))
    assert (found.kept, found.few, found.whole) == (True, False, True)
    assert script.lines([found])[-1].startswith("0 of 1 workloads")


def test_the_second_measurement_counts(script: ModuleType) -> None:
    first = {"a": 1.0, "b": 1.1, "c": 0.9, **{f"x{n}": 2.0 + n for n in range(9)}}
    assert script.finalists(first, ["x8", "b"]) == ["c", "a", "b", "x0", "x1", "x2", "x8"]
    settled = script.settled({"a": 1.0, "b": 0.5}, {"a": 1.2})
    assert settled == {"a": 1.2, "b": 1.2}  # who was not measured again is no faster than who was


def test_options_choose_workloads(script: ModuleType, tmp_path: Path) -> None:
    options = script.parse(["--op", "gemm", "--workload", "llama3-8b-qkv", "--limit", "3"])
    assert script.wanted(options) == {"gemm": ["llama3-8b-qkv"]}
    assert options.limit == 3
    assert {op: len(names) for op, names in script.wanted(script.parse([])).items()} == dict.fromkeys(
        script.WORKLOADS, 3
    )
    script.write(tmp_path / "found.json", [script.answer("gemm", "w", COUNTS, {"a": 1.0}, ["a"])])
    assert json.loads((tmp_path / "found.json").read_text())["answers"][0]["kept"] is True


def test_without_a_gpu_it_says_so(script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(script, "has_gpu", lambda: False)
    assert script.main(["--op", "gemm"]) == script.EXIT_NO_DEVICE
    assert "no GPU" in capsys.readouterr().err
