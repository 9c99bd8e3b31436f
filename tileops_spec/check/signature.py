"""The signature: dtype variables, dims, tensors, params."""

from __future__ import annotations

from ..diagnostics.text import Span
from ..ir.dtypes import DTYPES
from ..ir.nodes import DimRef, Expr
from ..ir.spec import Dim, DTypeVar, Param, TensorDecl
from ..source.yaml_tree import Mapping, Scalar
from ..syntax import tree
from .document import Document
from .expressions import resolve_scalar
from .scope import Indexable, Scope
from .suggest import did_you_mean

_TENSOR_FORM = "tensors are written `A: T[M, K]`"


def read_dtypes(document: Document, scope: Scope) -> None:
    """`dtypes: {T: f16 | bf16}`; TS104 for an option that is no concrete dtype."""
    for name, (key, node) in document.mapping("dtypes", "dtypes are written `{T: f16 | bf16}`").items():
        parsed: tree.DTypeSet | None = document.parse("dtype_set", node, f"dtype variable `{name}`")
        if parsed is None or not scope.declare(name, key.span):
            continue
        names = tuple(choice[0] for choice in parsed.choices)
        options = tuple(option.id for option in names if _concrete(option, scope))
        _report_repeated(names, scope)
        scope.dtypes[name] = DTypeVar(name=name, options=options, span=key.span)


def _report_repeated(options: tuple[tree.Name, ...], scope: Scope) -> None:
    for position, option in enumerate(options):
        if option in options[:position]:
            scope.sink.error("TS105", f"the option `{option.id}` is given twice", option.span, help="keep one")


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
    """The tensors under `inputs` or `outputs`; the names in their shapes become dims."""
    tensors = []
    node = document.node(key)
    if isinstance(node, Mapping) and not node.entries:
        document.wrong(node, f"`{key}` is empty", f"an op has at least one tensor each way: {_TENSOR_FORM}")
    for name, (place, node) in document.mapping(key, _TENSOR_FORM).items():
        parsed: tree.TensorType | None = document.parse("tensor_type", node, f"tensor `{name}`")
        if parsed is None or not scope.declare(name, place.span):
            scope.broken.add(name)
            continue
        dtype = scope.dtype(parsed.dtype.id, parsed.dtype.span)
        for item in parsed.items:
            _declare_dims(item, scope, declared, from_output=key == "outputs")
        if dtype and all(_is_extent(item, scope) for item in parsed.items):
            tensors.append(_tensor(name, dtype, parsed, scope, place.span, key))
        else:
            scope.broken.add(name)
    return tuple(tensors)


def _declare_dims(item: tree.Item, scope: Scope, declared: dict, *, from_output: bool) -> None:
    """Every name in a shape is a dim; outputs may only use dims that an input has."""
    for name in _names(item):
        if name.id in scope.dims or name.id in scope.params:
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
            return False
        if dim.spread != isinstance(item, tree.Spread):
            form = f"*{dim.name}" if dim.spread else dim.name
            scope.sink.error("TS115", f"`{dim.name}` was introduced as `{form}`", item.span, help=f"write `{form}`")
            return False
    return True


def _tensor(name: str, dtype: str, parsed: tree.TensorType, scope: Scope, span: Span, key: str) -> TensorDecl:
    shape = tuple(_extent(item, scope) for item in parsed.items)
    spread = tuple(isinstance(item, tree.Spread) for item in parsed.items)
    table = scope.inputs if key == "inputs" else scope.outputs
    table[name] = Indexable(name, dtype, shape, spread, span)
    return TensorDecl(name=name, dtype=dtype, shape=shape, span=parsed.span)


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


def read_params(document: Document, scope: Scope) -> tuple[Param, ...]:
    """`params: {eps: f32 = 1e-6}`; a default may use dims and the params above it."""
    for name, (key, node) in document.mapping("params", "params are written `{eps: f32 = 1e-6}`").items():
        parsed: tree.ParamType | None = document.parse("param_type", node, f"param `{name}`")
        if parsed is None or not scope.declare(name, key.span):
            scope.broken.add(name)
            continue
        dtype = scope.dtype(parsed.dtype.id, parsed.dtype.span)
        default = resolve_scalar(parsed.default, scope) if parsed.default is not None else None
        scope.params[name] = Param(name=name, dtype=dtype or "f32", default=default, span=key.span)
    return tuple(scope.params.values())


def read_where(document: Document, scope: Scope) -> tuple[Expr, ...]:
    """The clauses under `where`, resolved over dims and params."""
    parsed = (
        document.parse("clause", node, "a clause")
        for node in document.sequence("where", "clauses are written as a list: `- K % 8 == 0`")
    )
    return tuple(resolve_scalar(clause, scope) for clause in parsed if clause is not None)
