"""What the Op checks of its tensors, in the order it checks: dtypes, devices, ranks, extents, clauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..ir.dtypes import DTYPES
from ..ir.nodes import Binary, DimRef, Expr, Number
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
    return (*_dtypes(spec), *_groups(spec), *_devices(spec), *_ranks(spec), *_extents(spec), *_clauses(spec))


def _guarded(tensor: TensorDecl, condition: str) -> str:
    """A condition that an optional input meets where it is given."""
    return condition if tensor.default is None else f"{safe_name(tensor.name)} is None or {condition}"


def _groups(spec: Spec) -> Iterator[Check]:
    """Dtypes that go together, where the inputs tell them all."""
    owner = {tensor.dtype: safe_name(tensor.name) for tensor in reversed(spec.call_inputs) if tensor.default is None}
    for group in spec.dtype_groups:
        if all(name in owner for name in group.names):
            rows = (", ".join(f"torch.{DTYPES[option].torch}" for option in row) for row in group.rows)
            allowed = ", ".join(f"({row})" for row in rows)
            given = ", ".join(f"{owner[name]}.dtype" for name in group.names)
            words = [f"({', '.join(DTYPES[option].torch for option in row)})" for row in group.rows]
            others = [f" | {each}" for each in words[1:]]
            message = (f"{', '.join(group.names)} are {{({given})}}, ", f"but go together as {words[0]}", *others)
            yield Check(kind="dtype", condition=f"({given}) in ({allowed},)", message=message)


def _dtypes(spec: Spec) -> Iterator[Check]:
    first: dict[str, TensorDecl] = {}
    free = {variable.name for variable in spec.free_dtypes}
    for tensor in spec.call_inputs:
        name, owner = safe_name(tensor.name), first.setdefault(tensor.dtype, tensor)
        options = dtype_options(spec, tensor.dtype)
        is_variable = any(variable.name == tensor.dtype for variable in spec.dtypes)
        if owner is tensor or not is_variable or tensor.dtype in free:
            allowed = ", ".join(f"torch.{option}" for option in options)
            condition = f"{name}.dtype in ({allowed})" if len(options) > 1 else f"{name}.dtype == {allowed}"
            known_as = f"{tensor.dtype} is " if is_variable else "must be "
            message = (f"{tensor.name} is {{{name}.dtype}}, ", f"but {known_as}{alternatives(options)}")
        else:
            other = safe_name(owner.name)
            condition = f"{name}.dtype == {other}.dtype"
            both = f"{tensor.name} is {{{name}.dtype}} and {owner.name} is {{{other}.dtype}}: "
            message = (both, f"both are {tensor.dtype}")
        yield Check(kind="dtype", condition=_guarded(tensor, condition), message=message)


def _devices(spec: Spec) -> Iterator[Check]:
    owner, *others = spec.call_inputs
    for tensor in others:
        name, first = safe_name(tensor.name), safe_name(owner.name)
        message = (f"{tensor.name} is on {{{name}.device}}, ", f"but {owner.name} is on {{{first}.device}}")
        yield Check(kind="value", condition=_guarded(tensor, f"{name}.device == {first}.device"), message=message)


def _ranks(spec: Spec) -> Iterator[Check]:
    for tensor in spec.inputs:
        name, rank = safe_name(tensor.name), len(tensor.shape)
        spread = spread_axis(tensor, spec) is not None
        condition = f"{name}.ndim >= {rank - 1}" if spread else f"{name}.ndim == {rank}"
        if not (spread and rank == 1):
            message = (f"{tensor.name} has shape {{tuple({name}.shape)}}, ", f"not {shape_text(tensor, spec)}")
            yield Check(kind="value", condition=_guarded(tensor, condition), message=message)


def ranked_inputs(spec: Spec) -> tuple[str, ...]:
    """The inputs that can have a wrong rank: one that is a group of axes, and alone with it, takes any."""
    spread = {dim.name for dim in spec.dims if dim.spread}
    met = Counter(each.name for tensor in spec.inputs for each in tensor.shape if isinstance(each, DimRef))
    alone = {name for name in spread if met[name] == 1}
    return tuple(each.name for each in spec.inputs if len(each.shape) != 1 or _dim(each.shape[0]) not in alone)


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
    for tensor in spec.call_inputs:
        new = [axis for axis, each in enumerate(tensor.shape) if origin.get(_dim(each)) == (tensor.name, axis)]
        if new:
            yield Check(kind="assign", condition=_assignment(tensor, new, spec))
        for axis, each in enumerate(tensor.shape):
            if axis not in new:
                check = _extent_check(tensor, axis, each, origin, spec)
                (later.append(check) if _dim(each) is None else (yield check))
    yield from _solved(spec, origin)
    yield from later


def _solved(spec: Spec, origin: dict) -> Iterator[Check]:
    """Dims that stand only inside expressions, read off those: `B` from an axis of extent `B + 1`."""
    for name, (owner, axis) in origin.items():
        tensor = spec.tensor(owner)
        if name is None or _dim(tensor.shape[axis]) == name:
            continue
        factor, rest = affine_in(name, tensor.shape[axis], spec)
        actual = actual_extent(tensor, axis, spec)
        taken = f"{actual} - ({axis_expr(rest, spec)})" if rest != Number(value=0) else actual
        if factor != 1:
            message = (f"{owner} has shape {{tuple({safe_name(owner)}.shape)}}, ", f"not {shape_text(tensor, spec)}")
            yield Check(kind="value", condition=f"({taken}) % {factor} == 0", message=message)
            taken = f"({taken}) // {factor}"
        yield Check(kind="assign", condition=f"{safe_name(name)} = {taken}")


def affine_in(dim: str, expr: Expr, spec: Spec) -> tuple[int, Expr]:
    """(a, b) where the extent is a * dim + b and b does not read the dim. Raises ValueError where it is not so."""
    zero = Number(value=0, dtype="i64")
    match expr:
        case DimRef(name=name):
            return (1, zero) if name == dim else (0, expr)
        case Binary(op="+" | "-" as op):
            (a, b), (c, d) = affine_in(dim, expr.left, spec), affine_in(dim, expr.right, spec)
            if b == zero and op == "+":
                return a + c, d
            rest = b if d == zero else Binary(op=op, left=b, right=d, dtype="i64")
            return (a + c if op == "+" else a - c), rest
        case Binary(op="*"):
            for number, other in ((expr.left, expr.right), (expr.right, expr.left)):
                if isinstance(number, Number):
                    a, b = affine_in(dim, other, spec)
                    rest = b if b == zero else Binary(op="*", left=number, right=b, dtype="i64")
                    return int(number.value) * a, rest
    if dim in names_in(expr)[0]:
        raise ValueError(f"{dim} cannot be read off the extent {show_expr(expr)}")
    return 0, expr


def dim_origins(spec: Spec) -> dict[str | None, tuple[str, int]]:
    """The tensor and axis that each dim is read from."""
    origin: dict[str | None, tuple[str, int]] = {}
    required = [tensor for tensor in spec.call_inputs if tensor.default is None]
    for tensor in required:
        for axis, each in enumerate(tensor.shape):
            if isinstance(each, DimRef):
                origin.setdefault(each.name, (tensor.name, axis))
    for _ in spec.dims:
        for tensor in required:
            for axis, each in enumerate(tensor.shape):
                unknown = [name for name in names_in(each)[0] if name not in origin]
                if len(unknown) == 1 and _is_affine(unknown[0], each, spec):
                    origin[unknown[0]] = (tensor.name, axis)
    missing = [dim.name for dim in spec.dims if dim.name not in origin]
    if missing:
        raise ValueError(f"the shapes of the inputs do not tell {', '.join(missing)} (TS130)")
    return origin


def _is_affine(dim: str, extent: Expr, spec: Spec) -> bool:
    try:
        return affine_in(dim, extent, spec)[0] > 0
    except ValueError:
        return False


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
    be = "are" if spread_axis(tensor, spec) == axis else "is"
    message = (f"{place} {be} {{{actual_shown}}}, ", f"but {text} = {{{expected_shown}}}{why} ", f"({shown})")
    return Check(kind="value", condition=_guarded(tensor, f"{actual} == {expected}"), message=message)


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
