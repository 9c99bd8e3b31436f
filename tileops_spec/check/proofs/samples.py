"""Shapes and params that are known to be allowed, and some near them: counterexamples that need no solver."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from ...ir import nodes as ir
from ...ir.scalars import Scalar, ScalarError, scalar_value
from ...ir.spec import Spec, Workload
from ...ir.walk import walk

Sample = tuple[Mapping[str, int], Mapping[str, Scalar]]
"""Dims and params."""
_USUAL = (1, 2, 3, 8, 64, 128, 256, 512, 4096)


def allowed(spec: Spec) -> list[Sample]:
    """Samples that satisfy every clause: the workloads; without those, shapes with all extents alike."""
    workloads = (_of_workload(spec, workload) for workload in spec.workloads)
    found = [sample for sample in workloads if sample is not None and satisfied(spec.where, sample)]
    alike = () if found else (_completed(spec, {dim.name: size for dim in spec.dims}, {}) for size in _sizes(spec))
    return found or [sample for sample in alike if sample is not None and satisfied(spec.where, sample)][:3]


def bearable(spec: Spec) -> bool:
    """Whether the clauses allow every workload, or anything at all where there is none."""
    found = allowed(spec)
    workloads = [_of_workload(spec, workload) for workload in spec.workloads]
    return bool(found) and all(sample in found for sample in workloads if sample is not None)


def violation(clause: ir.Expr, others: Sequence[ir.Expr], samples: Sequence[Sample]) -> bool:
    """Whether something near a sample violates the clause and satisfies the others: then they do not imply it."""
    names = sorted({node.name for node in walk(clause) if isinstance(node, ir.DimRef | ir.ParamRef)})
    numbers = sorted({node.value for node in walk(clause) if isinstance(node, ir.Number)})
    return any(
        not holds(clause, *near) and satisfied(others, _adjusted(near, others, names))
        for sample in samples[:3]
        for near in _near(sample, names[:2], numbers)
    )


def holds(clause: ir.Expr, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> bool:
    try:
        return bool(scalar_value(clause, dims, params))
    except ScalarError:
        return False


def satisfied(clauses: Sequence[ir.Expr], sample: Sample) -> bool:
    return all(holds(clause, *sample) for clause in clauses)


def _of_workload(spec: Spec, workload: Workload) -> Sample | None:
    given = dict(workload.values)
    dims = {dim.name: given.get(dim.name, 1) for dim in spec.dims}
    flat = {name: math.prod(value) if isinstance(value, tuple) else value for name, value in dims.items()}
    return _completed(spec, flat, given)  # type: ignore[arg-type]


def _completed(spec: Spec, dims: dict[str, int], given: Mapping[str, object]) -> Sample | None:
    params: dict[str, Scalar] = {}
    for param in spec.params:
        try:
            value = given.get(param.name, 1 if param.default is None else None)
            params[param.name] = scalar_value(param.default, dims, params) if value is None else value  # type: ignore
        except ScalarError:
            return None
    return dims, params


def _sizes(spec: Spec) -> Iterator[int]:
    numbers = {node.value for clause in spec.where for node in walk(clause) if isinstance(node, ir.Number)}
    common = math.lcm(*(value for value in numbers if type(value) is int and 1 <= value <= 4096))
    yield from (*_USUAL, common, 2 * common)


def _near(sample: Sample, names: Sequence[str], numbers: Sequence[Scalar]) -> Iterator[Sample]:
    """The sample with other values of one name or two."""
    dims, params = sample
    choices = [list(_values(dims.get(name, params.get(name)), name in dims, numbers)) for name in names]
    for values in product(*choices):
        changed = dict(zip(names, values, strict=True))
        yield (
            {name: changed.get(name, value) for name, value in dims.items()},
            {name: changed.get(name, value) for name, value in params.items()},
        )


def _adjusted(sample: Sample, clauses: Sequence[ir.Expr], kept: Sequence[str]) -> Sample:
    """The sample with those dims made right, other than `kept`, that clauses say are equal to something."""
    dims, params = sample
    for clause in clauses:
        match clause:
            case ir.Binary(op="==", left=ir.DimRef(name=name), right=value) if name not in kept:
                try:
                    dims = {**dims, name: int(scalar_value(value, dims, params))}
                except ScalarError:
                    return sample
                if dims[name] < 1:
                    return sample
    return dims, params


def _values(value: Scalar | None, is_dim: bool, numbers: Sequence[Scalar]) -> Iterator[Scalar]:
    if value is None:
        return
    yield value
    if isinstance(value, bool):
        yield not value
        return
    steps = (value + 1, value - 1, 1, 2, value * 2, value * 4, value // 2, value // 4, value * 3, 0, -1, -2)
    around = (near for each in numbers if not isinstance(each, bool) for near in (each + 1, each - 1, 2 * each))
    yield from dict.fromkeys(each for each in (*steps, *around) if each >= 1 or not is_dim)
