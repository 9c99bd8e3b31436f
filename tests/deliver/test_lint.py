"""lint: the passes over a spec that has loaded, and the command around them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileops_spec.cli.main import tospec
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink

SPEC = """\
op: probe
summary: A probe.
dtypes: {T: f16 | bf16}
inputs: {x: "T[*S, D]", w: "T[D]"}
params: {eps: f32 = 1e-6}
outputs: {y: "T[*S, D]"}
where: [D % 8 == 0]
math: y[*s, d] = f32(x[*s, d]) * f32(w[d]) + eps
workloads:
"""


def _lint(text: str, write_spec) -> list[tuple[str, str]]:
    sink = Sink()
    lint_spec(write_spec(text), sink)
    return [(found.code, found.message) for found in sink.sorted()]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{name: a, S: [2], D: 7}", "violates `D % 8 == 0`"),
        ("{name: a, S: [2]}", "no value for D"),
        ("{name: a, S: [2], D: 8, E: 1}", "`E` is neither a dim nor a param"),
        ("{name: a, S: [0], D: 8}", "`S` stands for axes"),
        ("{name: a, S: [2], D: 8.5}", "whole number"),
        ("{name: a, S: [2], D: 8, eps: small}", "`eps` takes a number"),
        ("{S: [2], D: 8}", "no name"),
        ("plain", "a workload is a mapping"),
    ],
)
def test_bad_workloads(row: str, said: str, write_spec) -> None:
    ((_, message),) = _lint(SPEC + f"  - {row}\n", write_spec)
    assert said in message


def test_two_workloads_of_one_name(write_spec) -> None:
    rows = "  - {name: a, S: [2], D: 8}\n  - {name: a, S: 4, D: 8, eps: 0.5}\n"
    assert [code for code, _ in _lint(SPEC + rows, write_spec)] == ["TS105"]


@pytest.mark.parametrize(
    ("hardware", "code"),
    [("targets: [sm_91]", "TS118"), ("require: [wgma]", "TS118"), ("require: [wgmma]", "TS119")],
)
def test_hardware(hardware: str, code: str, write_spec) -> None:
    text = SPEC + f"  - {{name: a, S: [2], D: 8}}\nhardware: {{{hardware}}}\n"
    assert [found for found, _ in _lint(text, write_spec)] == [code]


def test_committed_specs_are_clean(root: Path) -> None:
    outcome = CliRunner().invoke(tospec, ["lint", str(root / "specs")], standalone_mode=False)
    assert outcome.return_value == 0, outcome.output


def test_every_file_is_reported(root: Path, tmp_path: Path) -> None:
    """A file that is not there, one that is broken, and one that is clean: one run, both errors, exit 1."""
    shutil.copy(root / "specs" / "gemm.yaml", tmp_path)
    (tmp_path / "bad.yaml").write_text("op: bad\nop: bad\n", encoding="utf-8")
    names = [str(tmp_path / name) for name in ("gemm.yaml", "bad.yaml", "gone.yaml")]
    outcome = CliRunner().invoke(tospec, ["lint", "--output-format", "json", *names], standalone_mode=False)
    assert outcome.return_value == 1
    found = [each["code"] for each in json.loads(outcome.stdout)]
    assert set(found) == {"TS001", "TS004", "TS005"}
    assert "gone.yaml" in outcome.stdout


def test_one_line_a_finding(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("op: bad\nop: bad\nsummary: s\n", encoding="utf-8")
    outcome = CliRunner().invoke(tospec, ["lint", "--output-format", "concise", str(bad)], standalone_mode=False)
    lines = outcome.stdout.splitlines()
    assert f"{bad}:2:1: error[TS004] key `op` is given twice" in lines
    assert len(lines) == 4
