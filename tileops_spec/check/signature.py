"""The signature: dtype variables, dims, tensors, params."""

from __future__ import annotations

import math
from dataclasses import replace

from ..diagnostics.diagnostic import Label
from ..diagnostics.text import Span
from ..ir.dtypes import DTYPES
from ..ir.nodes import DimRef, Expr
from ..ir.scalars import ScalarError, scalar_value
from ..ir.spec import Constant, Dim, DTypeGroup, DTypeVar, Param, TensorDecl
from ..source.yaml_tree import Mapping, Scalar
from ..syntax import tree
from .document import Document
from .expressions import Resolver, resolve_scalar
from .scope import Indexable, Indices, Scope
from .suggest import did_you_mean

MOST_CHOICES = 64
"""Combinations of dtypes."""
_TENSOR_FORM = "tensors are written `A: T[M, K]`"


def read_constants(document: Document, scope: Scope) -> None:
    """`constants: {GROUP: 128}`: named numbers; an expression may use those above it."""
    for name, (key, node) in document.mapping("constants", "constants are written `{GROUP: 128}`").items():
        parsed: tree.Expr | None = document.parse("clause", node, f"constant `{name}`")
        if parsed is None or not scope.declare(name, key.span):
            scope.broken.add(name)
            continue
        try:
            value = scalar_value(resolve_scalar(parsed, scope), {}, {})
        except ScalarError as error:
            document.wrong(node, f"constant `{name}` has no value: {error}", "write a number, or constants above")
            scope.broken.add(name)
            continue
        scope.constants[name] = Constant(name=name, value=value, span=key.span)


def read_dtypes(document: Document, scope: Scope) -> None:
    """`dtypes: {T: f16 | bf16}`, and `"A, B": (e4m3, e5m2) | …` for several; TS104 for what is no concrete dtype."""
    for written, (key, node) in document.mapping("dtypes", "dtypes are written `{T: f16 | bf16}`").items():
        parsed: tree.DTypeSet | None = document.parse("dtype_set", node, f"dtype variable `{written}`")
        names = [name.strip() for name in written.split(",")]
        declared = [scope.declare(name, key.span) for name in names]  # each is reported
        if parsed is None or not all(declared):
            scope.broken.update(names)
            continue
        if any(len(choice) != len(names) for choice in parsed.choices):
            many = f"({', '.join('f16' for _ in names)})" if len(names) > 1 else "f16"
            document.wrong(node, f"`{written}` takes {len(names)} dtypes a choice", f"write `{many} | …`")
            scope.broken.update(names)
            continue
        _declare_dtypes(names, parsed, key.span, scope)
    _count_choices(document, scope)


def _count_choices(document: Document, scope: Scope) -> None:
    """TS006 for more combinations of dtypes than `MOST_CHOICES`: each of them is looked at, and is a kernel."""
    grouped = {name for group in scope.dtype_groups for name in group.names}
    free = (len(var.options) for name, var in scope.dtypes.items() if name not in grouped)
    choices = math.prod((*free, *(len(group.rows) for group in scope.dtype_groups)))
    node = document.node("dtypes")
    if choices > MOST_CHOICES and node is not None:
        message = f"`dtypes` has more than {MOST_CHOICES} combinations"
        document.wrong(node, message, 'tie variables together: `"A, B": (f16, f32) | (bf16, f32)`')
        scope.broken.update(scope.dtypes)
        scope.dtypes = {name: replace(var, options=var.options[:1]) for name, var in scope.dtypes.items()}


def _declare_dtypes(names: list[str], parsed: tree.DTypeSet, span: Span, scope: Scope) -> None:
    known = [choice for choice in parsed.choices if _are_concrete(choice, scope)]
    _report_repeated(parsed.choices, scope)
    rows = tuple(tuple(option.id for option in choice) for choice in known)
    for at, name in enumerate(names):
        options = tuple(dict.fromkeys(row[at] for row in rows))
        scope.dtypes[name] = DTypeVar(name=name, options=options, span=span)
    if len(names) > 1:
        scope.dtype_groups.append(DTypeGroup(names=tuple(names), rows=rows, span=span))


def _report_repeated(choices: tuple[tuple[tree.Name, ...], ...], scope: Scope) -> None:
    for position, choice in enumerate(choices):
        if choice in choices[:position]:
            text = ", ".join(option.id for option in choice)
            place = choice[0].span.to(choice[-1].span)
            scope.sink.error("TS105", f"the option `{text}` is given twice", place, help="keep one")


def _are_concrete(choice: tuple[tree.Name, ...], scope: Scope) -> bool:
    found = [_concrete(option, scope) for option in choice]  # each is reported
    return all(found)


def _concrete(option: tree.Name, scope: Scope) -> bool:
    if option.id in DTYPES:
        return True
    help_text = did_you_mean(option.id, DTYPES, f"the dtypes are {', '.join(DTYPES)}")
    scope.sink.error("TS104", f"there is no dtype `{option.id}`", option.span, help=help_text)
    return False


def read_dims(document: Document, scope: Scope) -> dict[str, tuple[Span, bool]]:
    """`dims: {M: dynamic}`: the dims declared, with their place and whether they are dynamic."""
    declared: dict[str, tuple[Span, bool]] = {}
    for name, (key, node) in document.mapping("dims", "dims are written `{M: dynamic}`").items():
        word = node.value if isinstance(node, Scalar) else None
        if word not in ("dynamic", "static"):
            document.wrong(
                node, f"dim `{name}` is neither `dynamic` nor `static`", "write `M: dynamic`, or leave it out"
            )
        declared[name] = (key.span, word == "dynamic")
    return declared


def read_tensors(document: Document, scope: Scope, key: str, declared: dict) -> tuple[TensorDecl, ...]:
    """The tensors under `inputs` or `outputs`; the names in inputs' shapes become dims."""
    tensors = []
    node = document.node(key)
    if isinstance(node, Mapping) and not node.entries:
        document.wrong(node, f"`{key}` is empty", f"an op has at least one tensor each way: {_TENSOR_FORM}")
    for name, (place, node) in document.mapping(key, _TENSOR_FORM).items():
        parsed: tree.TensorType | None = document.parse("tensor_type", node, f"tensor `{name}`")
        updates = key == "outputs" and name in scope.inputs
        if parsed is None or not (updates or scope.declare(name, place.span)):
            scope.broken.add(name)
            continue
        tensor = _tensor(name, parsed, place.span, key, scope, declared)
        if tensor is None or (updates and not _same_type(tensor, scope)):
            scope.broken.add(name)
        else:
            tensors.append(tensor)
    return tuple(tensors)


def _tensor(
    name: str, parsed: tree.TensorType, place: Span, key: str, scope: Scope, declared: dict
) -> TensorDecl | None:
    dtype = scope.dtype(parsed.dtype.id, parsed.dtype.span)
    for item in parsed.items:
        _declare_dims(item, scope, declared, from_output=key == "outputs")
    extents = [_is_extent(item, scope) for item in parsed.items]  # each is reported
    if not dtype or not all(extents) or not _one_group(name, parsed, scope):
        return None
    shape = tuple(_extent(item, scope) for item in parsed.items)
    spread = tuple(isinstance(item, tree.Spread) for item in parsed.items)
    optional = parsed.default is not None and _may_be_left_out(parsed, key, scope)
    table = scope.inputs if key == "inputs" else scope.outputs
    table[name] = Indexable(name, dtype, shape, spread, place, optional)
    default = resolve_scalar(parsed.default, scope) if optional and parsed.default is not None else None
    return TensorDecl(name=name, dtype=dtype, shape=shape, default=default, span=parsed.span)


def _one_group(name: str, parsed: tree.TensorType, scope: Scope) -> bool:
    """TS115 for two groups of axes in one tensor: where one ends and the other begins, nothing could tell."""
    groups = [item for item in parsed.items if isinstance(item, tree.Spread)]
    if len(groups) > 1:
        help_text = "name the axes of one of them"
        scope.sink.error("TS115", f"`{name}` has two groups of axes", groups[1].span, help=help_text)
    return len(groups) <= 1


def _may_be_left_out(parsed: tree.TensorType, key: str, scope: Scope) -> bool:
    """TS006 for a default of an output: only inputs may be left out."""
    if key == "outputs":
        scope.sink.error("TS006", "an output has no default", parsed.span, help="the mathematics defines it")
    return key == "inputs"


def _same_type(tensor: TensorDecl, scope: Scope) -> bool:
    """TS105 where an input and an output of one name differ: the name says that it is updated in place."""
    given, wanted = scope.inputs[tensor.name], scope.outputs[tensor.name]
    if (given.dtype, given.shape, given.spread) == (wanted.dtype, wanted.shape, wanted.spread):
        return True
    label = Label(span=given.span, text="the input")
    message = f"`{tensor.name}` is an input and an output of another type"
    help_text = "give both one type, where it is updated in place; else rename one"
    scope.sink.error("TS105", message, wanted.span, labels=(label,), help=help_text)
    return False


def _declare_dims(item: tree.Item, scope: Scope, declared: dict, *, from_output: bool) -> None:
    """Every name in a shape is a dim; outputs may only use dims that an input has."""
    for name in _names(item):
        if name.id in scope.dims or name.id in scope.params or name.id in scope.constants:
            continue
        if from_output and not scope.broken:
            help_text = did_you_mean(name.id, scope.dims, "every dim of an output stands in the shape of an input")
            scope.sink.error("TS102", f"no input has the dim `{name.id}`", name.span, help=help_text)
        elif not from_output and scope.declare(name.id, name.span):
            spread = isinstance(item, tree.Spread)
            dynamic = spread or declared.get(name.id, (None, False))[1]
            scope.dims[name.id] = Dim(name=name.id, dynamic=dynamic, spread=spread, span=name.span)


def _names(item: tree.Item) -> list[tree.Name]:
    match item:
        case tree.Spread():
            return [tree.Name(item.id, item.span)]
        case tree.Name():
            return [item]
        case tree.Binary():
            return _names(item.left) + _names(item.right)
        case tree.Unary():
            return _names(item.operand)
        case tree.Call():
            return [name for arg in item.args for name in _names(arg)]
    return []


def _is_extent(item: tree.Item, scope: Scope) -> bool:
    """Whether the names of an extent are dims, used as they were introduced (TS115)."""
    for name in _names(item):
        dim = scope.dims.get(name.id)
        if dim is None:
            if name.id in scope.params or name.id in scope.constants:
                continue
            return False
        if dim.spread != isinstance(item, tree.Spread):
            form = f"*{dim.name}" if dim.spread else dim.name
            scope.sink.error("TS115", f"`{dim.name}` was introduced as `{form}`", item.span, help=f"write `{form}`")
            return False
    return True


def _extent(item: tree.Item, scope: Scope) -> Expr:
    if isinstance(item, tree.Spread):
        return DimRef(name=item.id, span=item.span)
    return resolve_scalar(item, scope)


def check_declared_dims(scope: Scope, declared: dict[str, tuple[Span, bool]]) -> None:
    """TS102 for a dim under `dims` that no input's shape has."""
    for name, (span, _) in declared.items():
        if name not in scope.dims and not scope.broken:
            help_text = did_you_mean(name, scope.dims, f"the inputs have the dims {', '.join(scope.dims) or 'none'}")
            scope.sink.error("TS102", f"no input has the dim `{name}`", span, help=help_text)


def declare_params(document: Document, scope: Scope) -> dict[str, tuple[tree.ParamType, Span]]:
    """The params by name, before their defaults can be resolved: shapes may use them, and defaults may use dims."""
    parsed_params = {}
    for name, (key, node) in document.mapping("params", "params are written `{eps: f32 = 1e-6}`").items():
        parsed: tree.ParamType | None = document.parse("param_type", node, f"param `{name}`")
        if parsed is None or not scope.declare(name, key.span):
            scope.broken.add(name)
            continue
        dtype = scope.dtype(parsed.dtype.id, parsed.dtype.span)
        scope.params[name] = Param(name=name, dtype=dtype or "f32", span=key.span)
        parsed_params[name] = (parsed, key.span)
    return parsed_params


def resolve_params(parsed: dict[str, tuple[tree.ParamType, Span]], scope: Scope) -> tuple[Param, ...]:
    """The params with their defaults, which may use dims and the params above."""
    declared, scope.params = scope.params, {}
    for name, (param, _) in parsed.items():
        default = resolve_scalar(param.default, scope) if param.default is not None else None
        scope.params[name] = replace(declared[name], default=default)
    return tuple(scope.params.values())


def read_where(document: Document, scope: Scope) -> tuple[Expr, ...]:
    """The clauses over dims and params; those that speak of tensors go to `scope.assumptions`."""
    clauses = []
    for node in document.sequence("where", "clauses are written as a list: `- K % 8 == 0`"):
        parsed: tree.Expr | None = document.parse("clause", node, "a clause")
        if parsed is not None and _on_data(parsed, scope):
            scope.assumptions.append(Resolver(scope, Indices()).resolve(parsed))
        elif parsed is not None:
            clauses.append(resolve_scalar(parsed, scope))
    return tuple(clauses)


def _on_data(item: tree.Item, scope: Scope) -> bool:
    """Whether a clause reads an input, or says something of one."""
    if isinstance(item, tree.Reduction) or (isinstance(item, tree.Name) and item.id in scope.inputs):
        return True
    return any(_on_data(child, scope) for child in tree.children(item))
