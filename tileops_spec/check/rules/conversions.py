"""TS141: references that convert an input to what it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import Span
from ...ir.dtypes import DTYPES
from ...ir.spec import Spec

_METHODS = {"long": "i64", "int": "i32", "short": "i16", "half": "f16", "bfloat16": "bf16", "float": "f32"}
_METHODS |= {"double": "f64", "bool": "bool"}
_BY_TORCH = {dtype.torch: dtype.name for dtype in DTYPES.values()}


def check_conversions(
    tree: ast.Expression, free: Iterable[ast.Name], spec: Spec, place: Callable[[ast.expr], Span], sink: Sink
) -> None:
    """TS141 for `wide(x)` where x does not have 16 bits for any choice, and for a conversion of x to its own dtype.

    `free` are the names of the expression that are not its own variables; `place` gives a node's span in the file.
    """
    known = {id(name) for name in free}
    dtypes = {tensor.name: tensor.dtype for tensor in spec.inputs}
    for node in ast.walk(tree):
        found = _converted(node)
        if found is None or id(found[0]) not in known or found[0].id not in dtypes:
            continue
        name, to = found
        if to is None:
            _check_wide(name, dtypes[name.id], spec, place, sink)
        elif to == dtypes[name.id]:
            message = f"the reference converts `{name.id}` to {to}, which it is"
            sink.warning("TS141", message, place(name), help=f"write `{name.id}`, or correct the dtype of the input")


def _check_wide(name: ast.Name, dtype: str, spec: Spec, place: Callable[[ast.expr], Span], sink: Sink) -> None:
    if any(var.name == dtype for var in spec.dtypes) or (DTYPES[dtype].is_float and DTYPES[dtype].bits == 16):
        return
    message = f"`wide({name.id})` is for floats of 16 bits, and `{name.id}` is {dtype}"
    otherwise = f"write `{name.id}`" if DTYPES[dtype].bits > 16 else f"write `{name.id}.float()`"
    sink.warning("TS141", message, place(name), help=f"{otherwise}, or correct the dtype of the input")


def _converted(node: ast.AST) -> tuple[ast.Name, str | None] | None:
    """The name that a call converts, and the dtype, or None for `wide`; None where the node is no such call."""
    if not isinstance(node, ast.Call):
        return None
    called, arguments = node.func, node.args
    if isinstance(called, ast.Name) and called.id == "wide" and len(arguments) == 1:
        return (arguments[0], None) if isinstance(arguments[0], ast.Name) else None
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return None
    if called.attr == "to" and len(arguments) == 1:
        return (called.value, to) if (to := _named(arguments[0])) else None
    return (called.value, _METHODS[called.attr]) if called.attr in _METHODS and not arguments else None


def _named(dtype: ast.expr) -> str | None:
    """The dtype that `torch.float32`, or a dtype variable, names."""
    if isinstance(dtype, ast.Name):
        return dtype.id
    return _BY_TORCH.get(dtype.attr) if isinstance(dtype, ast.Attribute) else None
