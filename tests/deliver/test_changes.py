"""Changes of specs: the cases of tests/cases/changes.md, and properties that hold for every spec."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest

from tileops_spec.analysis.renaming import rename
from tileops_spec.check.load import load_source
from tileops_spec.cli.changes import comparison_lines
from tileops_spec.deliver.changes import Comparison, Level, compare_specs
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import render_findings
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.ir.nodes import Along, Axis, IndexRef
from tileops_spec.ir.spec import Definition, Spec

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
CASES = (ROOT / "tests" / "cases" / "changes.md").read_text(encoding="utf-8")
_CASE = re.compile(r"^## (.+?)\n```edit\n(.*?)```\n```changes\n(.*?)```", re.M | re.S)
SPEC = """\
op: probe
summary: A probe.
constants: {LANES: 8}
dtypes: {T: f16 | bf16}
dims: {M: dynamic}
params: {eps: f32 = 1e-6}
inputs:
  x: T[M, K]
  w: T[K] = 1
  idx: i32[M]
outputs:
  y: T[M, K]
  s: f32[M]
where:
  - K % LANES == 0
  - M <= 4096
  - 0 < M
  - all[m](0 <= idx[m] < M)
math: |
  ms[m] = mean[k](f32(x[m, k]) ^ 2)
  total[m] = sum[k](f32(x[m, k]))
  y[m, k] = x[m, k] * rsqrt(ms[m] + eps) * w[k]
  s[m] = total[m]
reference:
  torch: probe(x)
workloads:
  - {name: a, M: 64, K: 256}
"""


def load(text: str) -> Spec:
    sink = Sink()
    spec = load_source(sink.add_source(SourceText("probe.yaml", text)), sink, named=False)
    assert spec is not None, render_findings(sink, "full")
    return spec


def compare(old: str, new: str) -> Comparison:
    return compare_specs(load(old), load(new), texts=(old, new))


def edited(edits: str) -> str:
    text = SPEC
    for line in edits.splitlines():
        old, _, new = (part.replace("⏎", "\n") for part in line.partition(" =>"))
        assert old in text, f"{old!r} is not in the spec"
        text = text.replace(old, new.removeprefix(" "))
    return text


def _shown(text: str) -> list[str]:
    """Lines with single spaces: the width of columns is no business of the cases."""
    return [" ".join(line.split()) for line in click.unstyle(text).strip().splitlines()]


@pytest.mark.parametrize(("edits", "expected"), [pytest.param(*case[1:], id=case[0]) for case in _CASE.findall(CASES)])
def test_a_case(edits: str, expected: str) -> None:
    found = "\n".join(comparison_lines("probe", compare(SPEC, edited(edits))))
    assert _shown(found) == _shown(expected)


def test_every_class_has_cases() -> None:
    words = [f"probe: {level.word}:" for level in Level]
    assert all(CASES.count(word) >= 3 for word in words)
    assert len(_CASE.findall(CASES)) == CASES.count("\n## ")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_against_themselves(path: Path) -> None:
    """Nothing changed; and where every index variable has another name, nothing but that."""
    text = path.read_text(encoding="utf-8")
    spec = load(text)
    assert compare_specs(spec, load(text), texts=(text, text)).changes == ()
    assert {change.level for change in compare_specs(spec, _reindexed(spec)).changes} <= {Level.COSMETIC}


_TOUCHES = {"swapped dims": Level.API, "wrong default": Level.API, "wrong output shape": Level.API}
_TOUCHES |= {"widened dtype": Level.API, "violated workload": Level.PERFORMANCE, "wrong reference": Level.PERFORMANCE}


@pytest.mark.parametrize("op", ["gemm", "gqa_fwd", "rms_norm"])
def test_no_error_passes_for_cosmetic(op: str) -> None:
    """Seeded errors are of the class that they touch, unless they mean the same: `f32(a) * f32(b)` is `f32(a) * b`."""
    from tileops_spec.mutate.specs.run import mutants_of

    path = ROOT / "specs" / f"{op}.yaml"
    spec = load(path.read_text(encoding="utf-8"))
    judged = 0
    for mutant in mutants_of(path):
        changed = load_source(SourceText(str(path), mutant.text), Sink())
        if changed is not None and changed != spec:
            level = compare_specs(spec, changed).level
            assert level is not None
            assert level >= _TOUCHES.get(mutant.kind, Level.NUMERICS), mutant.kind
            judged += 1
    assert judged >= 15


def _reindexed(spec: Spec) -> Spec:
    """The spec with every index variable and every local renamed."""
    outputs = {each.name for each in spec.outputs}
    names = {each.target: f"{each.target}_" for each in spec.math if each.target not in outputs}
    return _primed(rename(spec, names))


def _primed(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_primed, value))
    if not is_dataclass(value):
        return value
    changed = {each.name: _primed(getattr(value, each.name)) for each in fields(value) if each.init}
    key = _VARIABLE.get(type(value))
    if key is not None and changed[key] is not None:
        changed[key] += "_"
    return replace(value, **changed)


_VARIABLE = {IndexRef: "name", Axis: "name", Along: "axis", Definition: "along"}
"""The field that names an index variable."""
