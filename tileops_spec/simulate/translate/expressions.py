"""Expressions of TIR as C++ expressions of the runtime's types."""

from __future__ import annotations

from ..errors import Unsupported
from . import intrinsics
from .names import FLOATS, NARROW
from .scope import Scope

ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*"}
COMPARISON = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
FUSED = {
    "double": "__builtin_fma",
    "float": "__builtin_fmaf",
    "f16": "fused<f16>",
    "bf16": "fused<bf16>",
}
DIVISION = {"Div": "div_trunc", "Mod": "mod_trunc", "FloorDiv": "div_floor", "FloorMod": "mod_floor"}


def emit(expr, scope: Scope) -> str:
    """The C++ text of a scalar expression; reads merge their taint into TAINT."""
    name = type(expr).__name__
    rule = _RULES.get(name)
    if rule is None:
        raise Unsupported(f"expression {name}", scope.line)
    return rule(expr, scope)


def _int(expr, scope: Scope) -> str:
    if str(expr.dtype) == "bool":
        return "true" if expr.value else "false"
    kind = scope.type_of(expr.dtype)
    value = int(expr.value)
    if kind == "i64":
        return f"(i64){value}ll" if value > -(2**63) else "INT64_MIN"
    if kind in FLOATS:
        return f"({kind}){float(value)}f"
    return f"({kind}){value}" if kind != "i32" else (str(value) if value >= 0 else f"({value})")


def _float(expr, scope: Scope) -> str:
    kind = scope.type_of(expr.dtype)
    return float_literal(float(expr.value), kind)


def float_literal(value: float, kind: str) -> str:
    """A float constant of a C++ type; exact, since hexadecimal."""
    if value != value:
        return f'({kind})__builtin_nanf("")'
    if value in (float("inf"), float("-inf")):
        return f"({kind}){'-' if value < 0 else ''}__builtin_inff()"
    suffix = "" if kind == "double" else "f"
    return f"({kind}){value.hex()}{suffix}" if kind != "double" else f"({value.hex()})"


def _var(expr, scope: Scope) -> str:
    return scope.variable(expr, emit)


def _arithmetic(expr, scope: Scope) -> str:
    kind = scope.type_of(expr.dtype)
    if kind in FUSED and type(expr).__name__ in ("Add", "Sub"):
        fused = _fused(expr, kind, scope)
        if fused:
            return fused
    text = f"({emit(expr.a, scope)} {ARITHMETIC[type(expr).__name__]} {emit(expr.b, scope)})"
    return _narrowed(text, kind)


def _fused(expr, kind: str, scope: Scope) -> str | None:
    """A product and its sum, rounded once, as ptxas makes them (nvcc's -fmad is on unless a kernel says otherwise)."""
    minus = "-" if type(expr).__name__ == "Sub" else ""
    if type(expr.a).__name__ == "Mul":
        a, b, c = (emit(part, scope) for part in (expr.a.a, expr.a.b, expr.b))
        return f"{FUSED[kind]}({a}, {b}, {minus}({c}))"
    if type(expr.b).__name__ == "Mul":
        a, b, c = (emit(part, scope) for part in (expr.b.a, expr.b.b, expr.a))
        return f"{FUSED[kind]}({minus}({a}), {b}, {c})"
    return None


def _narrowed(text: str, kind: str) -> str:
    """C++ computes small types in int or float: back to the type of the TIR expression."""
    if kind in NARROW or kind in ("i8", "i16", "u8", "u16"):
        return f"{kind}{text}" if text.startswith("(") else f"{kind}({text})"
    return text


def _division(expr, scope: Scope) -> str:
    kind = scope.type_of(expr.dtype)
    a, b = emit(expr.a, scope), emit(expr.b, scope)
    if kind in FLOATS:
        if type(expr).__name__ != "Div":
            raise Unsupported(f"{type(expr).__name__} of {expr.dtype}", scope.line)
        return _narrowed(f"({a} / {b})", kind)
    low, _ = scope.interval(expr.a)
    b_low, b_high = scope.interval(expr.b)
    if low >= 0 and b_low == b_high and b_low > 0:
        return f"({a} {'/' if type(expr).__name__.endswith('Div') else '%'} {b})"
    return f"{DIVISION[type(expr).__name__]}<{kind}>({a}, {b})"


def _extreme(expr, scope: Scope) -> str:
    kind = scope.type_of(expr.dtype)
    which = type(expr).__name__.lower()
    a, b = emit(expr.a, scope), emit(expr.b, scope)
    if kind in FLOATS:
        # Like the device: of a number and NaN, the number.
        wide = "" if kind == "double" else "f"
        return _narrowed(f"(__builtin_f{which}{wide}({a}, {b}))", kind)
    return f"{'least' if which == 'min' else 'most'}<{kind}>({a}, {b})"


def _compare(expr, scope: Scope) -> str:
    return f"({emit(expr.a, scope)} {COMPARISON[type(expr).__name__]} {emit(expr.b, scope)})"


def _and(expr, scope: Scope) -> str:
    return f"({emit(expr.a, scope)} && {emit(expr.b, scope)})"


def _or(expr, scope: Scope) -> str:
    return f"({emit(expr.a, scope)} || {emit(expr.b, scope)})"


def _not(expr, scope: Scope) -> str:
    return f"(!{emit(expr.a, scope)})"


def _cast(expr, scope: Scope) -> str:
    return f"cvt<{scope.type_of(expr.dtype)}>({emit(expr.value, scope)})"


def _select(expr, scope: Scope) -> str:
    condition, yes, no = (emit(e, scope) for e in (expr.condition, expr.true_value, expr.false_value))
    return f"({condition} ? {yes} : {no})"


def _let(expr, scope: Scope) -> str:
    scope.define_inline(expr.var, expr.value)
    return emit(expr.body, scope)


def _load(expr, scope: Scope) -> str:
    return scope.buffers.load(expr, scope, emit)


def _ramp(expr, scope: Scope) -> str:
    return f"({emit(expr.base, scope)} + {_lane(scope)} * {emit(expr.stride, scope)})"


def _broadcast(expr, scope: Scope) -> str:
    _lane(scope)
    return emit(expr.value, scope)


def _lane(scope: Scope) -> str:
    if scope.lane is None:
        raise Unsupported("vector expression outside of a vector store", scope.line)
    return scope.lane


def _call(expr, scope: Scope) -> str:
    return intrinsics.emit_call(expr, scope, emit)


_RULES = {
    "IntImm": _int,
    "FloatImm": _float,
    "Var": _var,
    "SizeVar": _var,
    "Cast": _cast,
    "And": _and,
    "Or": _or,
    "Not": _not,
    "Select": _select,
    "Let": _let,
    "BufferLoad": _load,
    "Call": _call,
    "Ramp": _ramp,
    "Broadcast": _broadcast,
    "Min": _extreme,
    "Max": _extreme,
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys(COMPARISON, _compare),
    **dict.fromkeys(DIVISION, _division),
}
