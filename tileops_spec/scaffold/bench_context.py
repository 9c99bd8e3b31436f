"""Everything that bench.py.j2 says, decided."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass

from ..ir.spec import Reference, Spec
from .naming import has_ambiguous_names, spec_location
from .op_checks import actual_extent, dim_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One reference as a function: `arguments` is its signature, `dims` assignments, `module` what it imports."""

    library: str
    arguments: str
    dims: tuple[str, ...]
    expression: str
    module: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchContext:
    op: str
    spec_path: str
    ambiguous_names: bool
    uses_torch: bool
    baselines: tuple[Baseline, ...]


def bench_context(spec: Spec) -> BenchContext:
    used = frozenset().union(*(_names(reference) for reference in spec.references))
    arguments = (each.name for each in (*spec.inputs, *spec.params))
    assigned = (dim.name for dim in spec.dims if dim.name in used)
    return BenchContext(
        op=spec.op,
        spec_path=spec_location(spec),
        ambiguous_names=bool(used) and has_ambiguous_names((*arguments, *assigned)),
        uses_torch="torch" in used,
        baselines=tuple(_baseline(reference, spec) for reference in spec.references),
    )


def _baseline(reference: Reference, spec: Spec) -> Baseline:
    """References are Python over the spec's own names, which stand here as they are."""
    names = _names(reference)
    tensors = ", ".join(tensor.name for tensor in spec.inputs)
    params = "".join(f", {param.name}" for param in spec.params)
    return Baseline(
        library=reference.library,
        arguments=f"{tensors}, *{params}" if params else tensors,
        dims=tuple(_dim(dim.name, spec) for dim in spec.dims if dim.name in names),
        expression=textwrap.dedent(reference.expression).strip(),
        module=None if reference.library == "torch" else reference.library,
    )


def _dim(name: str, spec: Spec) -> str:
    owner, axis = dim_origins(spec)[name]
    return f"{name} = {actual_extent(spec.tensor(owner), axis, spec)}"


def _names(reference: Reference) -> frozenset[str]:
    """The names that an expression uses; those of one that is no Python are its checker's business."""
    tree = ast.parse(f"(\n{reference.expression}\n)", mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
