"""The script that holds the device gate against the simulator: what of it needs no GPU."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def script(root: Path):
    path = root / "tests" / "performance" / "device_gate.py"
    spec = importlib.util.spec_from_file_location("device_gate_script", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_items_are_what_the_simulator_judged(script, tmp_path: Path) -> None:
    common = {"op": "gemm", "change": "x", "code": None, "gate": None}
    entries = [
        {**common, "file": "a.py", "status": "killed", "gate": "emulate", "code": "TS431"},
        {**common, "file": "b.py", "status": "killed", "gate": "static", "code": "TS405"},
        {**common, "file": "c.py", "status": "survived"},
        {**common, "file": "d.py", "status": "equivalent"},
        {**common, "file": "e.py", "status": "presumed"},
    ]
    folder = tmp_path / "gemm"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    found = [(item.name, item.simulated) for item in script.mutants(tmp_path)]
    assert found == [("a.py", "killed"), ("c.py", "passed"), ("e.py", "passed")]
    assert [item.path for item in script.mutants(folder)] == [str(folder / name) for name in ("a.py", "c.py", "e.py")]


def test_committed_bodies_passed(script) -> None:
    found = list(script.committed(["gemm", "softmax"]))
    assert [(item.op, item.simulated, Path(item.path).name) for item in found] == [
        ("gemm", "passed", "kernel.py"),
        ("softmax", "passed", "kernel.py"),
    ]


def test_table_counts_and_names_disagreements(script, tmp_path: Path) -> None:
    row = lambda name, simulated, device: script.Row(  # noqa: E731
        name, "gemm", "a → b", simulated, None, device, (), "why", 1.0
    )
    rows = [row("p", "passed", "passed"), row("q", "killed", "failed"), row("r", "killed", "passed")]
    lines = script.table(rows)
    assert "| gemm | 3 | 1 | 1 | 1 | 0 |" in lines
    assert lines[-1] == "- r: `a → b`: simulator killed, GPU passed: why"
    kept = tmp_path / "rows.json"
    kept.write_text(json.dumps({"rows": [asdict(each) for each in rows]}), encoding="utf-8")
    assert list(script.read_rows(kept).values()) == rows
    assert script.read_rows(tmp_path / "none.json") == {}


def test_without_a_gpu_nothing_is_measured(script, monkeypatch, capsys, tmp_path: Path) -> None:
    from tileops_spec.gates.device import machine

    monkeypatch.setattr(machine, "find_machine", lambda: None)
    output = tmp_path / "rows.json"
    assert script.main(["--output", str(output)]) == 4
    assert "nothing was measured" in capsys.readouterr().err
    assert not output.exists()
