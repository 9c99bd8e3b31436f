"""What a spec says and what is derived from it, as data and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..analysis.classify import classify
from ..analysis.cost import cost
from ..fill.assemble import target_facts, workload_rows
from ..hardware import TARGETS, Feature, derive_features
from ..ir.show import show_definition, show_expr, show_param, show_tensor
from ..ir.spec import Spec


def signature_lines(spec: Spec) -> Iterator[str]:
    """The contract in a few lines: tensors, dims, dtypes, params, constraints."""
    inputs, outputs = (", ".join(show_tensor(each, spec) for each in group) for group in (spec.inputs, spec.outputs))
    yield f"{inputs} -> {outputs}"
    dims = [f"{dim.name} {'dynamic' if dim.dynamic else 'static'}" for dim in spec.dims]
    dtypes = [f"{each.name} = {' | '.join(each.options)}" for each in spec.dtypes]
    yield "; ".join((*dtypes, *dims))
    if spec.params:
        yield "params " + ", ".join(map(show_param, spec.params))
    if spec.where:
        yield "where " + ", ".join(map(show_expr, spec.where))


def math_lines(spec: Spec) -> Iterator[str]:
    """One line a definition, casts that promotion added included."""
    return map(show_definition, spec.math)


def features_of(spec: Spec) -> tuple[Feature, ...]:
    """The features on the spec's first target."""
    return derive_features(spec, TARGETS[spec.hardware.targets[0]])


def feature_lines(features: Sequence[Feature]) -> Iterator[str]:
    """`yes  wgmma  because …`, present ones first; a no that a clause would turn into a yes names the clause."""
    width = max((len(feature.name) for feature in features), default=0)
    for feature in sorted(features, key=lambda feature: not feature.present):
        unlock = f" (`where: {feature.unlock}` would give it)" if feature.unlock and not feature.present else ""
        yield f"{'yes' if feature.present else 'no '}  {feature.name:{width}}  {feature.reason}{unlock}"


def explain_spec(spec: Spec) -> dict[str, Any]:
    """Everything derived from a spec that needs no torch, as JSON data."""
    features = features_of(spec)
    formulas = cost(spec)
    facts = target_facts(spec, TARGETS[spec.hardware.targets[0]], features)
    return {
        "op": spec.op,
        "summary": spec.summary,
        "signature": list(signature_lines(spec)),
        "math": list(math_lines(spec)),
        "class": list(classify(spec).kinds),
        "target": spec.hardware.targets[0],
        "features": [asdict(feature) for feature in features],
        "cost": {"flops": formulas.flops, "bytes": formulas.bytes},
        "workloads": [asdict(row) for row in workload_rows(spec, facts)],
    }


def explanation_lines(spec: Spec) -> Iterator[str]:
    """The same for people."""
    data = explain_spec(spec)
    yield f"{data['op']}: {data['summary']}"
    yield from _section("contract", data["signature"])
    yield from _section("mathematics", data["math"])
    yield from _section("class", [", ".join(data["class"])])
    yield from _section(f"features on {data['target']}", feature_lines(features_of(spec)))
    yield from _section("cost", [f"FLOPs  {data['cost']['flops']}", f"bytes  {data['cost']['bytes']}, at the least"])
    yield from _section("workloads", _table(data["workloads"]))


def _section(title: str, lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


_COLUMNS = {
    "name": "name",
    "shape": "shape",
    "gflop": "GFLOP",
    "megabytes": "MB",
    "intensity": "FLOP/B",
    "bound": "bound",
    "floor": "floor, µs",
}


def _table(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The workloads in columns; the floor is the time below which the target cannot go."""
    cells = [_COLUMNS, *rows]
    widths = {column: max(len(row[column]) for row in cells) for column in _COLUMNS}
    for row in cells:
        yield "  ".join(f"{row[column]:{width}}" for column, width in widths.items()).rstrip()
