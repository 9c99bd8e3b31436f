"""Reducers: buffers of which each thread has a part until T.finalize_reducer combines them.

The simulator keeps one copy and updates it in place. What is in it before the end belongs to one thread alone, so every
update leaves a taint, which T.finalize_reducer removes: a value read too early is found where it reaches a result.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Unsupported
from .expressions import emit
from .names import FLOATS

COMBINED = {
    "sum": "({0} + {1})",
    "bitand": "({0} & {1})",
    "bitor": "({0} | {1})",
    "bitxor": "({0} ^ {1})",
}
EXTREMES = {"max": ("fmax", "most"), "min": ("fmin", "least")}


@dataclass(frozen=True, slots=True)
class Reducer:
    """How its parts combine, and the site that stands for what is not yet combined."""

    operation: str
    site: int


def declare_reducers(table, scope) -> None:
    """Remember the reducers of a block annotation, by their data."""
    for data, info in table.items():
        operation = str(info["op"])
        if operation not in (*COMBINED, *EXTREMES):
            raise Unsupported(f"a reducer by {operation}", scope.line)
        scope.reducers[data] = Reducer(operation, scope.site("reducer", data.name))


def unfinished(value: str, buffer, scope) -> str:
    """The value of a store; into a reducer, with the taint of what is not combined."""
    reducer = scope.reducers.get(buffer.data)
    return value if reducer is None else f"tainted({value}, taint_of({reducer.site}))"


def emit_update(call, scope) -> None:
    """`T.reducer_update(acc[i], value)`."""
    target, value = call.args[:2]
    kind = scope.type_of(target.buffer.dtype)
    old, new = emit(target, scope), f"cvt<{kind}>({emit(value, scope)})"
    combined = _combined(scope.reducers[target.buffer.data].operation, kind, old, new)
    store = scope.buffers.store(target.buffer, target.indices, unfinished(combined, target.buffer, scope), scope, emit)
    scope.emit(f"TAINT = CLEAN; {store}")


def _combined(operation: str, kind: str, old: str, new: str) -> str:
    if operation in COMBINED:
        return f"cvt<{kind}>{COMBINED[operation].format(old, new)}"
    real, integer = EXTREMES[operation]
    if kind in FLOATS:
        wide = "" if kind == "double" else "f"
        return f"cvt<{kind}>(__builtin_{real}{wide}({old}, {new}))"
    return f"{integer}<{kind}>({old}, {new})"


def identity(operation: str, dtype: str) -> str:
    """The neutral element, as a Scalar of the runtime."""
    if operation in ("sum", "bitor", "bitxor"):
        return "Scalar{0, 0}"
    if operation == "bitand":
        return "Scalar{0, -1}"
    sign = "-" if operation == "max" else ""
    if "int" not in dtype:
        return f"Scalar{{{sign}__builtin_inf(), 0}}"
    bits = int(dtype.split("int")[1])
    low, high = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return f"Scalar{{0, (i64){low if operation == 'max' else high}ull}}"
