"""Calls inside expressions: mathematics, bits, conditionals, warp exchanges, atomics that give a value."""

from __future__ import annotations

from ..errors import Unsupported
from . import threads
from .names import NARROW

UNARY = {
    "exp": "exp",
    "exp2": "exp2",
    "exp10": "exp10",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "erf": "erf",
    "fabs": "fabs",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "round": "rint",
    "nearbyint": "rint",
    "ieee_fsqrt": "sqrt",
    "__exp": "exp",
    "__exp10": "exp10",
    "__log": "log",
    "__log2": "log2",
    "__log10": "log10",
    "__sin": "sin",
    "__cos": "cos",
    "__tan": "tan",
}
BINARY = {"pow": "pow", "fmod": "fmod", "atan2": "atan2", "copysign": "copysign", "hypot": "hypot", "__pow": "pow"}
FORMULA = {
    "rsqrt": ("(1 / {sqrt}({0}))", 1),
    "ieee_frsqrt": ("(1 / {sqrt}({0}))", 1),
    "sigmoid": ("(1 / (1 + {exp}(-{0})))", 1),
    "fast_rcp": ("(1 / {0})", 1),
    "ieee_frcp": ("(1 / {0})", 1),
    "ieee_add": ("({0} + {1})", 2),
    "ieee_sub": ("({0} - {1})", 2),
    "ieee_mul": ("({0} * {1})", 2),
    "ieee_fdiv": ("({0} / {1})", 2),
    "fmul": ("({0} * {1})", 2),
    "fma": ("{fma}({0}, {1}, {2})", 3),
    "ieee_fmaf": ("{fma}({0}, {1}, {2})", 3),
    "clamp": ("{fmin}({fmax}({0}, {1}), {2})", 3),
}
BITS = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "shift_left": "<<", "shift_right": ">>"}
ROUNDING = ("ieee_add", "ieee_sub", "ieee_mul", "ieee_fdiv", "ieee_fmaf", "ieee_fsqrt", "ieee_frcp")


def emit_call(call, scope, emit) -> str:
    """The C++ text of a call that gives a value. Raises Unsupported for what is not known."""
    name = short_name(call)
    if name in ROUNDING and str(getattr(call.args[-1], "value", "rn")) != "rn":
        raise Unsupported(f"{name} with rounding {call.args[-1]}", scope.line)
    for known, rule in ((UNARY, _unary), (BINARY, _binary), (FORMULA, _formula), (BITS, _bits), (_OTHER, _other)):
        if name in known:
            return rule(name, call, scope, emit)
    raise Unsupported(f"intrinsic {call.op.name}", scope.line)


def short_name(call) -> str:
    """`tirx.exp2` → `exp2`, `tl.tileop.copy` → `tileop.copy`."""
    full = call.op.name if hasattr(call.op, "name") else str(call.op)
    return full.split(".", 1)[-1]


def _math(name: str, kind: str) -> str:
    return f"__builtin_{name}" if kind == "double" else f"__builtin_{name}f"


def _round_to(text: str, kind: str) -> str:
    return f"{kind}({text})" if kind in NARROW else text


def _real(call, scope) -> str:
    kind = scope.type_of(call.dtype)
    if kind not in NARROW and kind not in ("float", "double"):
        raise Unsupported(f"{call.op.name} of {call.dtype}", scope.line)
    return kind


def _unary(name: str, call, scope, emit) -> str:
    if name == "fabs" and scope.type_of(call.dtype).startswith("i"):
        return f"most<{scope.type_of(call.dtype)}>({emit(call.args[0], scope)}, -{emit(call.args[0], scope)})"
    kind = _real(call, scope)
    return _round_to(f"{_math(UNARY[name], kind)}({emit(call.args[0], scope)})", kind)


def _binary(name: str, call, scope, emit) -> str:
    kind = _real(call, scope)
    a, b = (emit(x, scope) for x in call.args[:2])
    return _round_to(f"{_math(BINARY[name], kind)}({a}, {b})", kind)


def _formula(name: str, call, scope, emit) -> str:
    kind = _real(call, scope)
    text, arity = FORMULA[name]
    wide = "double" if kind == "double" else "float"
    args = [f"({wide}){emit(x, scope)}" for x in call.args[:arity]]
    functions = {f: _math(f, kind) for f in ("sqrt", "exp", "fma", "fmin", "fmax")}
    return _round_to(text.format(*args, **functions), kind)


def _bits(name: str, call, scope, emit) -> str:
    kind = scope.type_of(call.dtype)
    a, b = (emit(x, scope) for x in call.args)
    return f"({kind})({a} {BITS[name]} {b})"


def _other(name: str, call, scope, emit) -> str:
    return _OTHER[name](call, scope, emit)


def _if_then_else(call, scope, emit) -> str:
    condition, yes, no = (emit(x, scope) for x in call.args)
    return f"({condition} ? {yes} : {no})"


def _infinity(call, scope, emit) -> str:
    return f"({scope.type_of(call.dtype)})__builtin_inff()"


def _isnan(call, scope, emit) -> str:
    return f"__builtin_isnan((double){emit(call.args[0], scope)})"


def _isinf(call, scope, emit) -> str:
    return f"__builtin_isinf((double){emit(call.args[0], scope)})"


def _isfinite(call, scope, emit) -> str:
    return f"__builtin_isfinite((double){emit(call.args[0], scope)})"


def _same(call, scope, emit) -> str:
    return emit(call.args[0], scope)


def _bitwise_not(call, scope, emit) -> str:
    return f"({scope.type_of(call.dtype)})(~{emit(call.args[0], scope)})"


def _reinterpret(call, scope, emit) -> str:
    source = scope.type_of(call.args[0].dtype)
    return f"reinterpret<{scope.type_of(call.dtype)}>(({source}){emit(call.args[0], scope)})"


def _popcount(call, scope, emit) -> str:
    return f"({scope.type_of(call.dtype)})__builtin_popcountll((u64){emit(call.args[0], scope)})"


def _clz(call, scope, emit) -> str:
    bits = scope.type_of(call.args[0].dtype)
    width, unsigned = ("64", "u64") if bits.endswith("64") else ("32", "u32")
    count = "__builtin_clzll" if width == "64" else "__builtin_clz"
    value = f"({unsigned}){emit(call.args[0], scope)}"
    return f"({scope.type_of(call.dtype)})({value} ? {count}({value}) : {width})"


def _shuffle(call, scope, emit) -> str:
    """A warp shuffle: the value of another lane of the warp."""
    mode = short_name(call).removeprefix("shfl_").removesuffix("sync").strip("_") or "index"
    _, value, lane, width = call.args
    lane, width = emit(lane, scope), emit(width, scope)
    me = f"({scope.fiber} % 32 % {width})"
    source = {"xor": f"({me} ^ {lane})", "down": f"({me} + {lane})", "up": f"({me} - {lane})", "index": f"({lane})"}
    return _through_bits(call, value, scope, emit, f"exchange({{}}, {scope.fiber}, {source[mode]}, {width}, {{}})")


def _tvm_shuffle(call, scope, emit) -> str:
    """TVM's own spelling: mask, value, lane, width, warp size."""
    mode = short_name(call).removeprefix("tvm_warp_shuffle").strip("_") or "index"
    _, value, lane, width, _ = call.args
    lane, width = emit(lane, scope), emit(width, scope)
    me = f"({scope.fiber} % 32 % {width})"
    source = {"down": f"({me} + {lane})", "up": f"({me} - {lane})", "index": f"({lane})"}[mode]
    return _through_bits(call, value, scope, emit, f"exchange({{}}, {scope.fiber}, {source}, {width}, {{}})")


def _vote(call, scope, emit) -> str:
    scope.plan.require_single_threads(call.op.name, scope.line)
    name = short_name(call)
    bits = f"vote({emit(call.args[-1], scope)}, {scope.fiber}, {scope.site(call.op.name, 'warp')})"
    return {"any": f"({bits} != 0)", "all": f"({bits} == 0xffffffffu)"}.get(name.split("_")[0], bits)


def _warp_reduce(call, scope, emit) -> str:
    operation = short_name(call).removeprefix("warp_reduce_")
    kind = scope.type_of(call.dtype)
    result = {
        "sum": "cvt<T>(a + b)",
        "max": "cvt<T>(a < b ? b : a)",
        "min": "cvt<T>(b < a ? b : a)",
        "bitand": "(T)(a & b)",
        "bitor": "(T)(a | b)",
    }[operation].replace("T", kind)
    body = f"{kind} a = unpack<{kind}>(x), b = unpack<{kind}>(y); return pack<{kind}>({result});"
    function = f"[](u64 x, u64 y) -> u64 {{ {body} }}"
    return _through_bits(call, call.args[0], scope, emit, f"warp_reduce({{}}, {scope.fiber}, {function}, {{}})")


def _through_bits(call, value, scope, emit, template: str) -> str:
    scope.plan.require_single_threads(call.op.name, scope.line)
    kind = scope.type_of(call.dtype)
    site = scope.site(call.op.name, "warp")
    head, _, tail = template.partition("{}")
    packed = f"pack<{kind}>({emit(value, scope)})"
    return f"unpack<{kind}>({head}{packed}{tail.replace('{}', str(site))})"


def _thread_function(call, scope, emit) -> str:
    return threads.emit_thread_function(call, scope)


def _atomic_with_result(call, scope, emit) -> str:
    return scope.buffers.atomic(call, scope, emit)


_OTHER = {
    "if_then_else": _if_then_else,
    "infinity": _infinity,
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
    "likely": _same,
    "__ldg": _same,
    "bitwise_not": _bitwise_not,
    "reinterpret": _reinterpret,
    "popcount": _popcount,
    "clz": _clz,
    "shfl_xor_sync": _shuffle,
    "shfl_down_sync": _shuffle,
    "shfl_up_sync": _shuffle,
    "shfl_sync": _shuffle,
    **dict.fromkeys(("tvm_warp_shuffle", "tvm_warp_shuffle_up", "tvm_warp_shuffle_down"), _tvm_shuffle),
    **dict.fromkeys(("any_sync", "all_sync", "ballot_sync", "ballot"), _vote),
    **{f"warp_reduce_{n}": _warp_reduce for n in ("sum", "max", "min", "bitand", "bitor")},
    **dict.fromkeys(threads.THREAD_FUNCTIONS, _thread_function),
    **{f"atomic_{n}_ret_elem_op": _atomic_with_result for n in ("add", "max", "min")},
    "atomic_load_elem_op": _atomic_with_result,
}
