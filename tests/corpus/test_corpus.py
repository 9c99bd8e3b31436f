"""The specs of the project: each is clean, complete, and says in its mathematics what its reference computes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import render_findings
from tileops_spec.ir.spec import Spec

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specs").glob("*.yaml"))
FAMILIES = {
    "attention",
    "attention_indexing",
    "bmm",
    "convolution",
    "elementwise_binary",
    "elementwise_fused_gated",
    "elementwise_generative",
    "elementwise_multi_input",
    "elementwise_unary_activation",
    "elementwise_unary_math",
    "gemm",
    "linear_attention",
    "loss",
    "mamba",
    "moe",
    "normalization",
    "pool",
    "position_encoding",
    "quantization",
    "reduction",
    "regularization",
    "scan",
    "sequence_modeling",
}
"""What a library of language-model operators has."""
WORK = 2e5
"""Floating-point operations a case: shapes stay small, so that the whole corpus is checked on every change."""

every_spec = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@cache
def load(path: Path) -> Spec:
    sink = Sink()
    spec = lint_spec(path, sink)
    assert not sink.diagnostics, render_findings(sink, "full")
    assert spec is not None
    return spec


def test_the_corpus_covers_the_field() -> None:
    assert len(FILES) >= 80
    assert {load(path).family for path in FILES} >= FAMILIES


@every_spec
def test_is_clean_and_complete(path: Path) -> None:
    spec = load(path)
    assert spec.family
    assert spec.summary.endswith(".")
    assert spec.math
    assert "torch" in {reference.library for reference in spec.references}
    assert len({workload.name for workload in spec.workloads}) >= 2
    assert (spec.status == "draft") == (not (ROOT / "generated" / spec.op).is_dir())


@every_spec
def test_mathematics_and_references_agree(path: Path) -> None:
    from tileops_spec.analysis.cases import DISTRIBUTIONS, draw_cases
    from tileops_spec.analysis.reference import check_references

    spec = load(path)
    sink = Sink()
    cases = draw_cases(spec, count=2 * len(DISTRIBUTIONS), seed=1, work=WORK)
    assert {case.data for case in cases} == set(DISTRIBUTIONS)
    check_references(spec, sink, cases=cases)
    assert not sink.diagnostics, render_findings(sink, "full")


@every_spec
def test_explains_itself(path: Path) -> None:
    from tileops_spec.deliver.explanation import explain_spec

    data = explain_spec(load(path))
    assert len(data["workloads"]) == len(load(path).workloads)
    assert data["class"]
    assert data["cost"]["bytes"] != "0"
