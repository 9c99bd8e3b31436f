"""Nodes are not validated as they are made; here what the checker makes is validated, and what others might give."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from pydantic import ValidationError

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.nodes import Number
from tileops_spec.ir.schema import spec_from_json, spec_schema, spec_to_json
from tileops_spec.ir.spec import Spec

WIDE = """\
op: probe
summary: Much of the language.
dtypes: {T: f16 | bf16}
constants: {HALF: 0.5}
inputs: {x: "T[M, K]", len: "i32[M]", idx: "i64[M]", bias: "T[K] = 0"}
params: {eps: f32 = 1e-6, flag: bool = true}
outputs: {y: "f32[M]", z: "f32[M, K]"}
where: [K % 8 == 0]
math: |
  y[m] = sum[k < len[m]](f32(x[m, k]) * HALF) + where(flag and not m == 0, -inf, eps)
  z[m, k] = softmax[k](f32(x[m, k]) + f32(bias[k])) + f32(pad(x[idx[m], k + 1], 0)) + max(y[m], abs(eps))
workloads:
  - {name: one, M: 4, K: 8, eps: 0.5}
"""


@pytest.fixture(params=["wide", "gemm", "gqa_fwd", "rms_norm"])
def spec(request: pytest.FixtureRequest, root: Path, write_spec) -> Spec:
    path = write_spec(WIDE) if request.param == "wide" else root / "specs" / f"{request.param}.yaml"
    sink = Sink()
    loaded = load_spec(path, sink)
    assert loaded is not None, sink.diagnostics
    return loaded


def test_what_the_checker_makes_is_of_the_types_declared(spec: Spec) -> None:
    content = json.loads(json.dumps(spec_to_json(spec)))
    again = spec_from_json(content)
    assert again == spec
    assert again.math[0].value.span == spec.math[0].value.span


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda value: value.update(stray=1), "Unexpected keyword argument"),
        (lambda value: value.update(kind="lambda"), "does not match any of the expected tags"),
        (lambda value: value.update(dtype=None), "should be a valid string"),
        (lambda value: value.pop("function"), "Field required"),
    ],
)
def test_what_is_not_a_spec(change, said: str, root: Path) -> None:
    spec = load_spec(root / "specs" / "gemm.yaml", Sink())
    content = spec_to_json(spec)
    change(content["math"][0]["value"])
    with pytest.raises(ValidationError, match=said):
        spec_from_json(content)


def test_nodes_are_frozen_and_take_no_stray_fields() -> None:
    node = Number(value=1)
    with pytest.raises(FrozenInstanceError):
        node.value = 2
    with pytest.raises(TypeError, match="stray"):
        Number(value=1, stray=2)
    assert not hasattr(node, "__dict__")


def test_the_schema_tells_nodes_apart_by_kind() -> None:
    schema = json.dumps(spec_schema())
    assert '"propertyName": "kind"' in schema
    assert '"additionalProperties": false' in schema
