"""AP13: what Python does to values that exist only when the kernel runs: dynamic extents, indices, elements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from ...scaffold.naming import safe_name
from ..allowlist import LOOPS
from .reading import TILES, allocations, operation
from .source import Source

_INSTEAD = {
    "min": "use T.min",
    "max": "use T.max",
    "abs": "use T.abs",
    "round": "use T.round",
    "int": 'use T.cast(x, "int32")',
    "float": 'use T.cast(x, "float32")',
    "bool": "compare it with something",
}
_WHOLE = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)


def ap13_python_functions(source: Source) -> Iterator[Diagnostic]:
    """`min`, `int`, `math.sqrt` and their like of a symbolic value: an error when the body is traced."""
    symbols = _Symbols(source)
    for node in source.nodes:
        name = _python_function(node)
        if (
            name
            and name not in symbols.bound
            and isinstance(node, ast.Call)
            and any(symbols.holds(each) for each in _operands(node))
        ):
            message = f"AP13: Python's `{name}` cannot take a value that exists only when the kernel runs"
            yield source.finding("TS405", node, message, _INSTEAD.get(name, "use the function of `T` of that name"))


def _python_function(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in _INSTEAD:
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=name)):
            return f"math.{name}"
    return None


def _operands(call: ast.Call) -> list[ast.expr]:
    """The arguments, and the elements of one that is a list or tuple."""
    nested = call.args[0].elts if len(call.args) == 1 and isinstance(call.args[0], ast.Tuple | ast.List) else []
    return [*call.args, *nested]


def ap13_whole_number_division(source: Source) -> Iterator[Diagnostic]:
    """`/` between integers of which one is symbolic: an error when the body is traced."""
    symbols = _Symbols(source)
    for node in source.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            continue
        sides = (node.left, node.right)
        if all(symbols.is_whole(each) for each in sides) and any(symbols.holds(each) for each in sides):
            message = "AP13: `/` divides integers that exist only when the kernel runs"
            yield source.finding("TS405", node, message, "use `//` or T.ceildiv, or cast to a float first")


class _Symbols:
    """The names of a body that surely stand for symbolic values."""

    def __init__(self, source: Source) -> None:
        """`indices`: dynamic extents, block indices, loop variables. `buffers`: whose elements are symbolic."""
        stores = [node for node in source.names if isinstance(node.ctx, ast.Store)]
        self.bound = {node.id for node in stores}
        others = {node.id for node in stores if not _is_index(source, node)}
        dynamic = {safe_name(dim.name) for dim in source.spec.dynamic_dims}
        self.indices = (self.bound - others) | dynamic
        self.static = {safe_name(dim.name) for dim in source.spec.static_dims} | _whole_tunables(source)
        tensors = {safe_name(tensor.name) for tensor in (*source.spec.inputs, *source.spec.outputs)}
        self.buffers = tensors | set(allocations(source, *TILES))

    def holds(self, node: ast.AST) -> bool:
        """Whether an expression is surely symbolic."""
        match node:
            case ast.Name(id=name):
                return name in self.indices
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return name in self.buffers and not any(isinstance(each, ast.Slice) for each in ast.walk(index))
            case ast.BinOp(left=left, right=right):
                return self.holds(left) or self.holds(right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.holds(operand)
        return False

    def is_whole(self, node: ast.AST) -> bool:
        """Whether an expression is surely an integer."""
        match node:
            case ast.Constant(value=value):
                return isinstance(value, int)
            case ast.Name(id=name):
                return name in self.indices or name in self.static
            case ast.BinOp(left=left, op=op, right=right):
                return isinstance(op, _WHOLE) and self.is_whole(left) and self.is_whole(right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.is_whole(operand)
            case ast.Call(args=[left, right]):
                return operation(node) in ("ceildiv", "cdiv") and self.is_whole(left) and self.is_whole(right)
        return False


def _whole_tunables(source: Source) -> set[str]:
    return {name for name, values in source.body.tunables if all(type(value) is int for value in values)}


def _is_index(source: Source, node: ast.Name) -> bool:
    """Whether the name is bound by `with T.Kernel(…) as node` or `for node in T.serial(…)`, alone or in a tuple."""
    target: ast.AST = node
    parent = source.parents[node]
    if isinstance(parent, ast.Tuple):
        target, parent = parent, source.parents[parent]
    match parent:
        case ast.withitem(context_expr=context, optional_vars=bound) if bound is target:
            return operation(context) == "Kernel"
        case ast.For(target=bound, iter=loop) if bound is target:
            return operation(loop) in LOOPS
    return False
