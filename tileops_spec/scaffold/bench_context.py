"""Everything that bench.py.j2 says, decided."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from ..ir.nodes import DimRef
from ..ir.spec import Reference, Spec, TensorDecl
from .naming import dtype_parameter, has_ambiguous_names, spec_location
from .op_checks import actual_extent, affine_in, axis_expr, dim_origins
from .python_code import names_in


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
    uses_wide: bool
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
        uses_wide="wide" in used,
        baselines=tuple(_baseline(reference, spec) for reference in spec.references if _names_params(reference, spec)),
    )


def _names_params(reference: Reference, spec: Spec) -> bool:
    """Whether a reference serves every workload: one that leaves a param out says what its default is."""
    named = _names(reference)
    optional = (each.name for each in spec.inputs if each.default is not None)
    return named.issuperset(each.name for each in spec.params) and named.issuperset(optional)


def _baseline(reference: Reference, spec: Spec) -> Baseline:
    """References are Python over the spec's own names, which stand here as they are."""
    names = _names(reference)
    tensors = ", ".join(tensor.name for tensor in spec.call_inputs)
    keywords = [param.name for param in spec.params]
    keywords += [dtype_parameter(spec, variable.name) for variable in spec.free_dtypes]
    params = "".join(f", {name}" for name in keywords)
    return Baseline(
        library=reference.library,
        arguments=f"{tensors}, *{params}" if params else tensors,
        dims=tuple(_assignments(spec, names)),
        expression=textwrap.dedent(reference.expression).strip(),
        module=None if reference.library == "torch" else reference.library,
    )


def _assignments(spec: Spec, names: frozenset[str]) -> Iterator[str]:
    """What an expression reads beside tensors and params: constants, dtypes, dims (with those that they come from)."""
    yield from (f"{each.name} = {each.value!r}" for each in spec.constants if each.name in names)
    free = {variable.name for variable in spec.free_dtypes}
    for variable in (each for each in spec.dtypes if each.name in names):
        owner = next((each.name for each in spec.call_inputs if each.dtype == variable.name), None)
        source = dtype_parameter(spec, variable.name) if variable.name in free or owner is None else f"{owner}.dtype"
        if source != variable.name:
            yield f"{variable.name} = {source}"
    needed, origins = set(names), dim_origins(spec)
    for name, (owner, axis) in reversed(origins.items()):
        if name in needed:
            needed |= set(names_in(spec.tensor(owner).shape[axis])[0])
    for name, (owner, axis) in origins.items():
        if name in needed and name is not None:
            yield f"{name} = {_solved(name, spec.tensor(owner), axis, spec)}"


def _solved(name: str, tensor: TensorDecl, axis: int, spec: Spec) -> str:
    actual = actual_extent(tensor, axis, spec)
    if isinstance(tensor.shape[axis], DimRef):
        return actual
    factor, rest = affine_in(name, tensor.shape[axis], spec)
    return f"({actual} - ({axis_expr(rest, spec)})) // {factor}"


def _names(reference: Reference) -> frozenset[str]:
    """The names that an expression uses; those of one that is no Python are its checker's business."""
    tree = ast.parse(f"(\n{reference.expression}\n)", mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
