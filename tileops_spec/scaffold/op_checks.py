"""What the Op checks of its tensors, in the order it checks: dtypes, devices, ranks, extents, clauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..ir.nodes import DimRef, Expr
from ..ir.show import show_expr
from ..ir.spec import Spec, TensorDecl
from .describe import alternatives, dtype_options, shape_text
from .naming import safe_name
from .python_code import divisors, names_in, python_expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One statement of the Op's `_infer_dims`: a condition with the error for it, or an assignment.

    The parts of `message` are the insides of f-strings, joined as they stand.
    """

    kind: Literal["dtype", "value", "assign"]
    condition: str
    message: tuple[str, ...] = ()


def extent(spec: Spec, dim: str) -> str:
    """The source of a dim's extent inside the Op, where a group `*S` is the tuple of its extents."""
    return f"math.prod({safe_name(dim)})" if spec.dim(dim).spread else safe_name(dim)


def axis_expr(expr: Expr, spec: Spec) -> str:
    """The source of one extent over the Op's variables."""
    return python_expr(expr, lambda dim: extent(spec, dim))


def input_checks(spec: Spec) -> tuple[Check, ...]:
    """Every check on the inputs, with the assignments that name the dims."""
    return (*_dtypes(spec), *_devices(spec), *_ranks(spec), *_extents(spec), *_clauses(spec))


def _dtypes(spec: Spec) -> Iterator[Check]:
    first: dict[str, TensorDecl] = {}
    for tensor in spec.inputs:
        name, owner = safe_name(tensor.name), first.setdefault(tensor.dtype, tensor)
        options = dtype_options(spec, tensor.dtype)
        is_variable = any(variable.name == tensor.dtype for variable in spec.dtypes)
        if owner is tensor or not is_variable:
            allowed = ", ".join(f"torch.{option}" for option in options)
            condition = f"{name}.dtype in ({allowed})" if len(options) > 1 else f"{name}.dtype == {allowed}"
            known_as = f"{tensor.dtype} is " if is_variable else "must be "
            message = (f"{tensor.name} is {{{name}.dtype}}, ", f"but {known_as}{alternatives(options)}")
        else:
            other = safe_name(owner.name)
            condition = f"{name}.dtype == {other}.dtype"
            both = f"{tensor.name} is {{{name}.dtype}} and {owner.name} is {{{other}.dtype}}: "
            message = (both, f"both are {tensor.dtype}")
        yield Check(kind="dtype", condition=condition, message=message)


def _devices(spec: Spec) -> Iterator[Check]:
    owner, *others = spec.inputs
    for tensor in others:
        name, first = safe_name(tensor.name), safe_name(owner.name)
        message = (f"{tensor.name} is on {{{name}.device}}, ", f"but {owner.name} is on {{{first}.device}}")
        yield Check(kind="value", condition=f"{name}.device == {first}.device", message=message)


def _ranks(spec: Spec) -> Iterator[Check]:
    for tensor in spec.inputs:
        name, rank = safe_name(tensor.name), len(tensor.shape)
        spread = spread_axis(tensor, spec) is not None
        condition = f"{name}.ndim >= {rank - 1}" if spread else f"{name}.ndim == {rank}"
        if not (spread and rank == 1):
            message = (f"{tensor.name} has shape {{tuple({name}.shape)}}, ", f"not {shape_text(tensor, spec)}")
            yield Check(kind="value", condition=condition, message=message)


def spread_axis(tensor: TensorDecl, spec: Spec) -> int | None:
    """The axis of the tensor that stands for a group `*S`, or None."""
    spread = {dim.name for dim in spec.dims if dim.spread}
    axes = [axis for axis, each in enumerate(tensor.shape) if isinstance(each, DimRef) and each.name in spread]
    if len(axes) > 1:
        raise NotImplementedError(f"{tensor.name} has two groups of axes: their sizes cannot be told apart")
    return axes[0] if axes else None


def _extents(spec: Spec) -> Iterator[Check]:
    """Assignments at a dim's first axis and equality at its others; expressions once every dim is known."""
    origin = dim_origins(spec)
    later = []
    for tensor in spec.inputs:
        new = [axis for axis, each in enumerate(tensor.shape) if origin.get(_dim(each)) == (tensor.name, axis)]
        if new:
            yield Check(kind="assign", condition=_assignment(tensor, new, spec))
        for axis, each in enumerate(tensor.shape):
            if axis not in new:
                check = _extent_check(tensor, axis, each, origin, spec)
                (later.append(check) if _dim(each) is None else (yield check))
    yield from later


def dim_origins(spec: Spec) -> dict[str | None, tuple[str, int]]:
    """The tensor and axis that each dim is read from."""
    origin: dict[str | None, tuple[str, int]] = {}
    for tensor in spec.inputs:
        for axis, each in enumerate(tensor.shape):
            if isinstance(each, DimRef):
                origin.setdefault(each.name, (tensor.name, axis))
    missing = [dim.name for dim in spec.dims if dim.name not in origin]
    if missing:
        raise NotImplementedError(f"no input has {', '.join(missing)} as the extent of an axis: it cannot be inferred")
    return origin


def _dim(expr: Expr) -> str | None:
    return expr.name if isinstance(expr, DimRef) else None


def _assignment(tensor: TensorDecl, axes: list[int], spec: Spec) -> str:
    names = ", ".join(safe_name(_dim(tensor.shape[axis]) or "") for axis in axes)
    if len(axes) == len(tensor.shape) > 1 and spread_axis(tensor, spec) is None:
        return f"{names} = {safe_name(tensor.name)}.shape"
    return f"{names} = {', '.join(actual_extent(tensor, axis, spec) for axis in axes)}"


def actual_extent(tensor: TensorDecl, axis: int, spec: Spec) -> str:
    """The source of one axis' extent as the tensor has it; a slice of the shape for a group."""
    shape, spread, after = f"{safe_name(tensor.name)}.shape", spread_axis(tensor, spec), len(tensor.shape) - 1 - axis
    if spread is None or axis < spread:
        return f"{shape}[{axis}]"
    if axis > spread:
        return f"{shape}[{-after - 1}]"
    return f"{shape}[{axis or ''}:{-after or ''}]"


def _extent_check(tensor: TensorDecl, axis: int, expr: Expr, origin: dict, spec: Spec) -> Check:
    actual, text, place = actual_extent(tensor, axis, spec), show_expr(expr), _axis_words(tensor, axis, spec)
    shapes = [tensor.name]
    dim = _dim(expr)
    if dim is None:
        expected, why = axis_expr(expr, spec), ""
    else:
        owner, at = origin[dim]
        expected, why = safe_name(dim), f" from {_axis_words(spec.tensor(owner), at, spec)}"
        shapes += [owner] if owner != tensor.name else []
    shown = ", ".join(f"{name}: {{tuple({safe_name(name)}.shape)}}" for name in shapes)
    actual_shown, expected_shown = (f"tuple({s})" if dim and spec.dim(dim).spread else s for s in (actual, expected))
    message = (f"{place} is {{{actual_shown}}}, but {text} = {{{expected_shown}}}{why} ", f"({shown})")
    return Check(kind="value", condition=f"{actual} == {expected}", message=message)


def _axis_words(tensor: TensorDecl, axis: int, spec: Spec) -> str:
    """`axis 1 of A`; axes at or behind a group count from the end."""
    spread = spread_axis(tensor, spec)
    if spread == axis:
        return f"the leading axes of {tensor.name}" if axis == 0 else f"the axes from {axis} of {tensor.name}"
    return f"axis {axis if spread is None or axis < spread else axis - len(tensor.shape)} of {tensor.name}"


def _clauses(spec: Spec) -> Iterator[Check]:
    origin = dim_origins(spec)
    yield from _clause_params(spec)
    for clause in spec.where:
        text, values = show_expr(clause), _values(clause, origin, spec)
        for divisor in divisors(clause):
            message = (f"{show_expr(divisor)} is 0 in {text} ", *values)
            yield Check(kind="value", condition=f"{_grouped(divisor, spec)} != 0", message=message)
        yield Check(kind="value", condition=axis_expr(clause, spec), message=(f"{text} does not hold ", *values))


def _clause_params(spec: Spec) -> Iterator[Check]:
    """Clauses speak of params' values, so a None is resolved before them."""
    mentioned = {name for clause in spec.where for name in names_in(clause)[1]}
    for param in spec.params:
        if param.name in mentioned and param.default is not None:
            name = safe_name(param.name)
            yield Check(
                kind="assign", condition=f"{name} = {axis_expr(param.default, spec)} if {name} is None else {name}"
            )


def _grouped(expr: Expr, spec: Spec) -> str:
    source = axis_expr(expr, spec)
    return source if isinstance(expr, DimRef) else f"({source})"


def _values(clause: Expr, origin: dict, spec: Spec) -> tuple[str, ...]:
    """`(K = {K}, from A: {tuple(A.shape)}; …)`: the dims, then the params; one part each."""
    dims, params = names_in(clause)
    parts = []
    for dim in dims:
        owner = origin[dim][0]
        parts.append(f"{dim} = {{{extent(spec, dim)}}}, from {owner}: {{tuple({safe_name(owner)}.shape)}}")
    parts += [f"{param} = {{{safe_name(param)}}}" for param in params]
    if not parts:
        return ()
    parts = [f"{part}; " for part in parts[:-1]] + [f"{parts[-1]})"]
    return (f"({parts[0]}", *parts[1:])
