"""What the rules ask of a tree: calls of `T`, buffers, what a mention of a buffer does to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from ..allowlist import ATOMICS, COPIES, PURE, REDUCTIONS
from .source import Source

Mention = Literal["read", "write", "bind", "ask", "unknown"]
"""What a mention of a buffer does: reads or writes elements, binds the name, asks for shape or dtype; or who knows."""

PRODUCTS = frozenset({"gemm", "wgmma_gemm"})
TILES = frozenset({"alloc_shared", "alloc_fragment", "alloc_local"})

_PRODUCT_ROLES: dict[int | str, Mention] = {0: "read", 1: "read", 2: "write", "A": "read", "B": "read", "C": "write"}
_COPY_ROLES: dict[int | str, Mention] = {0: "read", 1: "write", "src": "read", "dst": "write"}
_REDUCE_ROLES: dict[int | str, Mention] = {0: "read", 1: "write", "buffer": "read", "out": "write"}
_STORE_ROLES: dict[int | str, Mention] = {0: "write", "buffer": "write"}
_ATOMIC_ROLES: dict[int | str, Mention] = {0: "write", "dst": "write", 1: "read", "value": "read"}
_ROLES: dict[str, dict[int | str, Mention]] = {
    **dict.fromkeys(PRODUCTS, _PRODUCT_ROLES),
    **dict.fromkeys(COPIES, _COPY_ROLES),
    **dict.fromkeys(REDUCTIONS, _REDUCE_ROLES),
    **dict.fromkeys(("clear", "fill"), _STORE_ROLES),
    **dict.fromkeys(ATOMICS, _ATOMIC_ROLES),
    "atomic_load": {0: "read", "src": "read"},
}
"""What the operations do to their arguments, by place and by keyword."""
_VALUES = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare)


def operation(call: ast.AST) -> str | None:
    """`copy` of `T.copy(…)`; None of anything else."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="T"), attr=name)):
            return name
    return None


def calls_of(source: Source, *names: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of `T.name`, in the order of the text."""
    for node in source.nodes:
        name = operation(node)
        if name in names and isinstance(node, ast.Call):
            yield name, node


def argument(call: ast.Call, place: int, keyword: str) -> ast.expr | None:
    """An argument, by place or keyword; None where it is not given, or hidden in `*args` or `**options`."""
    named = (each.value for each in call.keywords if each.arg == keyword)
    plain = not any(isinstance(each, ast.Starred) for each in call.args[: place + 1])
    return call.args[place] if plain and len(call.args) > place else next(named, None)


def unpacks(call: ast.Call) -> bool:
    """Whether some arguments of the call cannot be told from its text."""
    return any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords)


def base_name(node: ast.AST | None) -> str | None:
    """The buffer that an argument names: `acc`, `acc[0, :]`; None for anything else."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def bindings(source: Source, name: str) -> list[ast.expr | None]:
    """What each assignment `name = value` binds; None for every other way of binding the name."""
    stores = (node for node in source.names if node.id == name and isinstance(node.ctx, ast.Store))
    return [_assigned(source.parents.get(node), node) for node in stores]


def _assigned(parent: ast.AST | None, target: ast.Name) -> ast.expr | None:
    match parent:
        case ast.Assign(targets=[only], value=value) if only is target:
            return value
        case ast.AnnAssign(value=value):
            return value
    return None


def resolved(source: Source, node: ast.expr | None) -> ast.expr | None:
    """The expression that a name stands for where the body binds it once, and the node itself otherwise."""
    if isinstance(node, ast.Name):
        values = bindings(source, node.id)
        if len(values) == 1 and isinstance(values[0], ast.Constant | ast.Name | ast.Attribute):
            return values[0]
    return node


def allocations(source: Source, *kinds: str) -> dict[str, list[ast.Call]]:
    """The calls that allocate each buffer, for names that nothing else is bound to."""
    names = {node.id for node in source.names if isinstance(node.ctx, ast.Store)}
    bound = {name: bindings(source, name) for name in sorted(names)}
    return {
        name: [value for value in values if isinstance(value, ast.Call)]
        for name, values in bound.items()
        if all(value is not None and operation(value) in kinds for value in values)
    }


def mentions(source: Source, name: str) -> Iterator[tuple[Mention, ast.Name]]:
    """Each mention of a name, with what it does to the buffer of that name, in the order of the text."""
    for node in source.names:
        if node.id == name:
            yield _effect(source, node), node


def _effect(source: Source, node: ast.Name) -> Mention:
    if not isinstance(node.ctx, ast.Load):
        return "bind"
    top: ast.AST = node
    parent = source.parents[node]
    while isinstance(parent, ast.Subscript) and parent.value is top:
        top, parent = parent, source.parents[parent]
    if isinstance(top, ast.Subscript) and isinstance(top.ctx, ast.Store):
        return "write"
    return _use(source, top, parent)


def _use(source: Source, top: ast.AST, parent: ast.AST) -> Mention:
    """What becomes of the buffer, region or element `top` in the expression around it."""
    if isinstance(parent, ast.Attribute):
        return "ask" if parent.attr in ("shape", "dtype") else "unknown"
    if isinstance(parent, ast.keyword):
        call = source.parents[parent]
        return _role(call, parent.arg) if isinstance(call, ast.Call) else "unknown"
    if isinstance(parent, ast.Call):
        return _role(parent, parent.args.index(top)) if top in parent.args else "unknown"  # type: ignore[arg-type]
    is_value = isinstance(parent, _VALUES) or _is_stored(top, parent) or _is_index(source, top, parent)
    return "read" if is_value else "unknown"


def _role(call: ast.Call, place: int | str | None) -> Mention:
    name = operation(call)
    if name is None or unpacks(call) or place is None:
        return "unknown"
    return "read" if name in PURE else _ROLES.get(name, {}).get(place, "unknown")


def _is_stored(top: ast.AST, parent: ast.AST) -> bool:
    """Whether the element is the value of a store, `C[i] = top` or `x += top`; a name for it would be an alias."""
    match parent:
        case ast.AugAssign(value=value):
            return value is top
        case ast.Assign(targets=[ast.Subscript()], value=value):
            return value is top
    return False


def _is_index(source: Source, top: ast.AST, parent: ast.AST) -> bool:
    """Whether it stands in the index of another buffer, `x[top, j]`."""
    if isinstance(parent, ast.Tuple | ast.Slice):
        top, parent = parent, source.parents[parent]
    if isinstance(parent, ast.Tuple):
        top, parent = parent, source.parents[parent]
    return isinstance(parent, ast.Subscript) and parent.slice is top
