"""verify: which specs, and in which form the outcome comes."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileops_spec.cli.main import tospec
from tileops_spec.deliver.junit import render_junit
from tileops_spec.deliver.prove import Proof
from tileops_spec.deliver.selection import MODIFIED, select
from tileops_spec.diagnostics.diagnostic import Diagnostic, Sink
from tileops_spec.gates.verdict import Verdict


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    """A repository with the committed specs, packages and lock."""
    (tmp_path / "specs").mkdir()
    for name in ("gemm", "rms_norm", "log_softmax"):
        shutil.copy(root / "specs" / f"{name}.yaml", tmp_path / "specs")
    shutil.copytree(root / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "tospec.lock", tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True)
    return tmp_path


def chosen(project: Path, *selectors: str) -> list[str]:
    paths = sorted((project / "specs").glob("*.yaml"))
    return [path.stem for path in select(paths, selectors, "HEAD")]


def test_selection_by_name(project: Path) -> None:
    assert chosen(project) == ["gemm", "log_softmax", "rms_norm"]
    assert chosen(project, "rms_*", "gemm") == ["gemm", "rms_norm"]
    assert chosen(project, "layer_norm") == []


@pytest.mark.parametrize(
    ("path", "ops"),
    [("specs/gemm.yaml", ["gemm"]), ("generated/rms_norm/op.py", ["rms_norm"]), ("generated/gemm/more.py", ["gemm"])],
)
def test_what_changed_is_modified(project: Path, path: str, ops: list[str]) -> None:
    drafts = ["log_softmax"]  # it has no entry in the lock, so nothing says that it was looked at
    assert chosen(project, MODIFIED) == drafts
    file = project / path
    file.write_text((file.read_text(encoding="utf-8") if file.exists() else "") + "\n# more\n", encoding="utf-8")
    assert chosen(project, MODIFIED) == sorted(ops + drafts)


def test_other_templates_and_records_are_a_change(project: Path) -> None:
    lock = project / "tospec.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace('provider = "handoff"', 'provider = "other"'), encoding="utf-8")
    assert "gemm" in chosen(project, MODIFIED)
    templates = next(line for line in text.splitlines() if line.startswith("templates = "))
    lock.write_text(text.replace(templates, 'templates = "0"'), encoding="utf-8")
    assert set(chosen(project, MODIFIED)) == {"gemm", "rms_norm", "log_softmax"}


def test_an_unknown_revision_is_a_usage_error(project: Path) -> None:
    arguments = ["verify", str(project / "specs" / "gemm.yaml"), "-s", MODIFIED, "--against", "nowhere"]
    outcome = CliRunner().invoke(tospec, arguments)
    assert outcome.exit_code == 2
    assert "git knows no revision `nowhere`" in outcome.output


def verdict(gate: str, status: str, *found: Diagnostic) -> Verdict:
    return Verdict(gate=gate, status=status, seconds=0.25, summary=f"{gate} \x00 <{status}>", diagnostics=found)


def test_junit_counts_gates_and_shows_findings() -> None:
    finding = Diagnostic(code="TS431", message="C[0, 0] = \x1b 1 & more")
    proofs = {
        "gemm": Proof(
            (verdict("static", "passed"), verdict("compile", "skipped"), verdict("emulate", "failed", finding)), True
        ),
        "lstm": None,
    }
    root = ElementTree.fromstring(render_junit(proofs, Sink()))
    gemm, lstm = root.findall("testsuite")
    counts = {name: gemm.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "0.750"}
    failure = gemm.find("testcase[@name='emulate']/failure")
    assert failure is not None
    assert failure.text == "error[TS431] C[0, 0] = ? 1 & more"
    assert lstm.get("errors") == "1"


def test_data_goes_to_a_file(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.sarif"
    arguments = ["verify", str(project / "specs" / "rms_norm.yaml"), "--cases", "2", "--output-format", "sarif"]
    outcome = CliRunner().invoke(tospec, [*arguments, "--output", str(file)], standalone_mode=False)
    assert outcome.return_value == 0, outcome.output
    assert outcome.stdout == ""
    assert json.loads(file.read_text(encoding="utf-8"))["runs"][0]["results"] == []
