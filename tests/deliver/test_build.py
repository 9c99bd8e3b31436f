"""build, diff, verify: what they write, what they refuse, and the exit codes."""

from __future__ import annotations

import json
import time

import pytest

from .conftest import BODY, SPEC, ProjectFolder


def test_without_a_body(project: ProjectFolder) -> None:
    before = project.snapshot()
    outcome = project.build()
    assert outcome.return_value == 1
    assert "error[TS303]" in outcome.stderr
    assert "tospec fill" in outcome.stderr
    assert project.snapshot() == before


def test_unchanged_tree_writes_nothing(built: ProjectFolder) -> None:
    before = built.snapshot()
    outcome = built.build()
    assert outcome.return_value == 0, outcome.output
    assert "up to date, nothing written" in outcome.stdout
    assert built.snapshot() == before


def test_fresh_clone_proves_once_and_keeps_the_lock(built: ProjectFolder) -> None:
    """Without this machine's evidence the gates run; the record of the same verdicts stays as it is."""
    for path in (built.root / ".tospec" / "evidence").iterdir():
        path.unlink()
    before = built.snapshot()
    outcome = built.build()
    assert outcome.return_value == 0, outcome.output
    for gate in ("reference", "static", "lower", "compile", "emulate"):
        assert gate in outcome.stdout
    assert built.snapshot() == before
    assert "up to date" in built.build().stdout


def test_machine_readable(built: ProjectFolder) -> None:
    (result,) = json.loads(built.build("--output-format", "json").stdout)
    assert result["op"] == "scaled_add"
    assert result["unchanged"] is True
    assert {gate["gate"]: gate["status"] for gate in result["gates"]}["emulate"] == "passed"


@pytest.mark.parametrize("name", ["op.py", "kernel.py", "test_scaled_add.py", "bench_scaled_add.py", "__init__.py"])
def test_edit_outside_the_body_is_refused(built: ProjectFolder, name: str) -> None:
    path = built.kernel.with_name(name)
    path.write_text(path.read_text(encoding="utf-8") + "\nEXTRA = 1\n", encoding="utf-8")
    before = built.snapshot()
    outcome = built.build()
    assert outcome.return_value == 1
    assert "error[TS301]" in outcome.stderr
    assert name in outcome.stderr
    assert "-EXTRA = 1" in outcome.stderr
    assert built.snapshot() == before
    shown = built.run("diff", str(built.spec))
    assert shown.return_value == 1
    assert "-EXTRA = 1" in shown.stdout
    assert built.build("--force").return_value == 0
    assert built.run("diff", str(built.spec)).return_value == 0


def test_edit_inside_the_body_is_kept_and_judged_again(built: ProjectFolder) -> None:
    text = built.kernel.read_text(encoding="utf-8")
    built.kernel.write_text(text.replace("threads=128", "threads=64"), encoding="utf-8")
    outcome = built.build()
    assert outcome.return_value == 0, outcome.output
    assert "emulate" in outcome.stdout
    assert "threads=64" in built.kernel.read_text(encoding="utf-8")
    lock = (built.root / "tospec.lock").read_text(encoding="utf-8")
    assert 'provider = "edited"' in lock


def test_wrong_edit_inside_the_body_is_refused_and_left_alone(built: ProjectFolder) -> None:
    text = built.kernel.read_text(encoding="utf-8")
    built.kernel.write_text(text.replace("alpha * T.cast(w", "T.cast(w"), encoding="utf-8")
    before = built.snapshot()
    outcome = built.build()
    assert outcome.return_value == 1
    assert "error[TS431]" in outcome.stderr
    assert "generated/scaled_add/kernel.py" in outcome.stderr
    assert built.snapshot() == before


def test_changed_contract_makes_the_body_stale(built: ProjectFolder) -> None:
    built.spec.write_text(SPEC.replace("N % 8 == 0", "N % 16 == 0"), encoding="utf-8")
    before = built.snapshot()
    outcome = built.build()
    assert outcome.return_value == 1
    assert "error[TS302]" in outcome.stderr
    assert built.snapshot() == before
    adopted = built.build("--adopt")
    assert adopted.return_value == 0, adopted.output
    assert built.build().return_value == 0


def test_changed_summary_renders_anew_and_keeps_the_body(built: ProjectFolder) -> None:
    built.spec.write_text(SPEC.replace("Adds a scaled", "Adds one scaled"), encoding="utf-8")
    outcome = built.build()
    assert outcome.return_value == 0, outcome.output
    assert "Adds one scaled" in built.kernel.read_text(encoding="utf-8")


def test_reference_that_disagrees_is_found_before_any_body(built: ProjectFolder) -> None:
    built.spec.write_text(SPEC.replace("torch: x + alpha * w", "torch: x - alpha * w"), encoding="utf-8")
    outcome = built.build()
    assert outcome.return_value == 1
    assert "error[TS201]" in outcome.stderr
    assert "specs/scaled_add.yaml:16" in outcome.stderr
    assert "lower" not in outcome.stdout


def test_damaged_marks_and_lock(built: ProjectFolder) -> None:
    text = built.kernel.read_text(encoding="utf-8")
    built.kernel.write_text(text.replace("# tospec: body end", "# body end"), encoding="utf-8")
    outcome = built.build()
    assert (outcome.return_value, "error[TS306]" in outcome.stderr) == (1, True)
    built.kernel.write_text(text, encoding="utf-8")
    (built.root / "tospec.lock").write_text("version = 1\n[ops.scaled_add]\nbody = 3\n", encoding="utf-8")
    outcome = built.build()
    assert (outcome.return_value, "error[TS304]" in outcome.stderr) == (1, True)


def test_verify_judges_without_writing(built: ProjectFolder) -> None:
    before = built.snapshot()
    outcome = built.run("verify", str(built.spec), "--cases", "2")
    assert outcome.return_value == 0, outcome.output
    built.kernel.write_text(built.kernel.read_text(encoding="utf-8").replace("i < M", "i < M - 1"), encoding="utf-8")
    failed = built.run("verify", str(built.spec), "--cases", "2", "--output-format", "json")
    assert failed.return_value == 3
    assert json.loads(failed.stdout)["scaled_add"][-1]["status"] == "failed"
    built.kernel.write_text(built.kernel.read_text(encoding="utf-8").replace("i < M - 1", "i < M"), encoding="utf-8")
    assert built.snapshot() == before


def test_missing_spec(project: ProjectFolder) -> None:
    outcome = project.run("build", str(project.spec.with_name("gone.yaml")))
    assert outcome.return_value == 1
    assert "error[TS001]" in outcome.stderr
    assert "scaled_add.yaml" in outcome.stderr


def test_no_op_build_is_quick(built: ProjectFolder) -> None:
    """Wall-clock seconds within this process, the imports being done: the whole process is measured in tests/cli."""
    started = time.perf_counter()
    assert built.build().return_value == 0
    assert time.perf_counter() - started < 1.0


def test_body_text_is_the_models(built: ProjectFolder) -> None:
    """What stands on disk is the answer's body, formatted and nothing else."""
    text = built.kernel.read_text(encoding="utf-8")
    assert "".join(BODY.split()) in "".join(text.split())
