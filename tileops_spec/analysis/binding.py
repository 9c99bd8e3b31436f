"""A spec made concrete: a dtype for every variable, a number for every dim and param."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..ir.dtypes import DTYPES, DType
from ..ir.nodes import Expr
from ..ir.scalars import Scalar, ScalarError, scalar_value
from ..ir.spec import Spec, TensorDecl


class BindingError(ValueError):
    """The values do not make the spec concrete; the message names what is missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """dtype variable → concrete dtype name; dim → extent (a group's is the product of its axes); param → value."""

    dtypes: Mapping[str, str]
    dims: Mapping[str, int]
    params: Mapping[str, Scalar]

    def dtype(self, name: str) -> DType:
        """The dtype that a variable or a concrete name stands for."""
        return DTYPES[self.dtypes.get(name, name)]


def bind(
    spec: Spec,
    *,
    dims: Mapping[str, int | Iterable[int]],
    dtypes: Mapping[str, str] | None = None,
    params: Mapping[str, Scalar] | None = None,
) -> Binding:
    """A binding with every default filled in: dtype variables take their first option, params their default.

    A group of axes may be given as its extents. BindingError for unknown or missing names and impossible values;
    `where` is not checked here (see `holds`).
    """
    bound_dtypes = _bind_dtypes(spec, dtypes or {})
    bound_dims = _bind_dims(spec, dims)
    return Binding(dtypes=bound_dtypes, dims=bound_dims, params=_bind_params(spec, bound_dims, params or {}))


def bind_workload(spec: Spec, values: Mapping[str, object], dtypes: Mapping[str, str] | None = None) -> Binding:
    """The binding of a workload, whose values are those of dims and params together."""
    names = {dim.name for dim in spec.dims}
    dims = {name: value for name, value in values.items() if name in names}
    params = {name: value for name, value in values.items() if name not in names}
    return bind(spec, dims=dims, dtypes=dtypes, params=params)  # type: ignore[arg-type]


def dtype_options(spec: Spec, name: str) -> tuple[DType, ...]:
    """The concrete dtypes that a name may stand for: a variable's options, else the dtype itself."""
    variable = next((each for each in spec.dtypes if each.name == name), None)
    return tuple(DTYPES[option] for option in (variable.options if variable else (name,)))


def evaluate_scalar(expr: Expr, binding: Binding, indices: Mapping[str, int] | None = None) -> Scalar:
    """The value of an expression over dims and params (and index variables, where given). Raises BindingError."""
    try:
        return scalar_value(expr, binding.dims, binding.params, indices)
    except ScalarError as error:
        raise BindingError(str(error)) from error


def holds(spec: Spec, binding: Binding) -> list[Expr]:
    """The `where` clauses that fail, in order; a clause that has no value (division by zero) fails."""
    return [clause for clause in spec.where if not clause_holds(clause, binding)]


def clause_holds(clause: Expr, binding: Binding) -> bool:
    try:
        return bool(evaluate_scalar(clause, binding))
    except BindingError:
        return False


def shape_of(tensor: TensorDecl, binding: Binding) -> tuple[int, ...]:
    """The extents of a tensor, groups of axes flattened into one."""
    return tuple(int(evaluate_scalar(extent, binding)) for extent in tensor.shape)


def _bind_dtypes(spec: Spec, given: Mapping[str, str]) -> dict[str, str]:
    _refuse_unknown("dtype variable", given, [var.name for var in spec.dtypes])
    bound = {var.name: given.get(var.name, var.options[0]) for var in spec.dtypes}
    for var in spec.dtypes:
        if bound[var.name] not in var.options:
            raise BindingError(f"{var.name} is one of {', '.join(var.options)}, not {bound[var.name]}")
    return bound


def _bind_dims(spec: Spec, given: Mapping[str, int | Iterable[int]]) -> dict[str, int]:
    names = [dim.name for dim in spec.dims]
    _refuse_unknown("dim", given, names)
    missing = [name for name in names if name not in given]
    if missing:
        raise BindingError(f"no value for dim {', '.join(missing)}")
    bound = {dim.name: _extent(given[dim.name], spread=dim.spread) for dim in spec.dims}
    for name, extent in bound.items():
        if extent < 0:
            raise BindingError(f"dim {name} is {extent}: an extent is not negative")
    return bound


def _extent(value: int | Iterable[int], *, spread: bool) -> int:
    if spread and not isinstance(value, int):
        return math.prod(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BindingError(f"an extent is a whole number, not {value!r}")
    return value


def _bind_params(spec: Spec, dims: Mapping[str, int], given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    _refuse_unknown("param", given, [param.name for param in spec.params])
    bound: dict[str, Scalar] = {}
    for param in spec.params:
        if param.name in given:
            bound[param.name] = given[param.name]
        elif param.default is None:
            raise BindingError(f"param {param.name} has no default and no value was given")
        else:
            bound[param.name] = _default(param.name, param.default, dims, bound)
    return bound


def _default(name: str, default: Expr, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> Scalar:
    try:
        return scalar_value(default, dims, params)
    except ScalarError as error:
        raise BindingError(f"the default of param {name} has no value here: {error}") from error


def _refuse_unknown(what: str, given: Iterable[str], known: list[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise BindingError(f"{unknown[0]} is no {what} of this spec (known: {', '.join(known) or 'none'})")
