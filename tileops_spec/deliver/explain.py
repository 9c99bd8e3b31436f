"""What a spec says and what is derived from it, as lines of text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..hardware import Feature
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


def feature_lines(features: Sequence[Feature]) -> Iterator[str]:
    """`yes  wgmma  because …`, present ones first; a no that a clause would turn into a yes names the clause."""
    width = max((len(feature.name) for feature in features), default=0)
    for feature in sorted(features, key=lambda feature: not feature.present):
        unlock = f" (`where: {feature.unlock}` would give it)" if feature.unlock and not feature.present else ""
        yield f"{'yes' if feature.present else 'no '}  {feature.name:{width}}  {feature.reason}{unlock}"


def explanation(spec: Spec, features: Sequence[Feature]) -> dict[str, Any]:
    """The same as data."""
    return {
        "op": spec.op,
        "summary": spec.summary,
        "signature": list(signature_lines(spec)),
        "math": list(math_lines(spec)),
        "features": [
            {"name": each.name, "present": each.present, "reason": each.reason, "unlock": each.unlock}
            for each in features
        ],
    }
