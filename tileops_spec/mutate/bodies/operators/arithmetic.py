"""Values: operators, functions, factors, terms, numbers, casts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites, is_number, tile_name

_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "%"),
    ast.Mod: ("%", "//"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_FUNCTIONS = {"exp": "exp2", "exp2": "exp", "log": "log2", "log2": "log", "rsqrt": "sqrt", "sqrt": "rsqrt"}
_FUNCTIONS |= {"max": "min", "min": "max", "sin": "cos", "cos": "sin", "tanh": "sigmoid", "sigmoid": "tanh"}
_FUNCTIONS |= {"floor": "ceil", "ceil": "floor", "abs": "floor", "erf": "tanh", "ceildiv": "floordiv"}
_REDUCTIONS = {"reduce_sum": "reduce_max", "reduce_max": "reduce_min", "reduce_min": "reduce_max"}
_REDUCTIONS |= {"reduce_absmax": "reduce_max", "reduce_abssum": "reduce_sum", "cumsum": "cummax", "cummax": "cumsum"}
_UPDATES: dict[type[ast.operator], str] = {ast.Add: "-=", ast.Sub: "+=", ast.Mult: "+=", ast.Div: "*="}


def wrong_operator(sites: Sites) -> Iterator[Edit]:
    for node in sites.of(ast.BinOp):
        if type(node.op) in _OPERATORS:
            symbol = _OPERATORS[type(node.op)][1]
            yield sites.replace(node, f"(({sites.read(node.left)}) {symbol} ({sites.read(node.right)}))")
    for node in sites.of(ast.AugAssign):
        if type(node.op) in _UPDATES:
            yield sites.replace(node, f"{sites.read(node.target)} {_UPDATES[type(node.op)]} {sites.read(node.value)}")


def swapped_sides(sites: Sites) -> Iterator[Edit]:
    """`a - b` as `b - a`, and so for the other operators that mind the order."""
    for node in sites.of(ast.BinOp):
        if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod):
            symbol = _OPERATORS[type(node.op)][0]
            yield sites.replace(node, f"(({sites.read(node.right)}) {symbol} ({sites.read(node.left)}))")


def wrong_function(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls(*_FUNCTIONS):
        yield _renamed(sites, call, _FUNCTIONS[tile_name(call) or ""])


def wrong_reduction(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls(*_REDUCTIONS):
        yield _renamed(sites, call, _REDUCTIONS[tile_name(call) or ""])


def _renamed(sites: Sites, call: ast.Call, name: str) -> Edit:
    return sites.replace(call.func, f"T.{name}")


def dropped_operand(sites: Sites) -> Iterator[Edit]:
    """One side of `max` or `min` forgotten: a running value that starts anew, a bound that is not kept."""
    for call in sites.calls("max", "min"):
        if len(call.args) == 2:
            for kept in call.args:
                yield sites.replace(call, f"({sites.read(kept)})")


def dropped_factor(sites: Sites) -> Iterator[Edit]:
    """A scale or rescaling that is forgotten."""
    for node in sites.of(ast.BinOp):
        if isinstance(node.op, ast.Mult | ast.Div):
            yield sites.replace(node, f"({sites.read(node.left)})")
            if isinstance(node.op, ast.Mult):
                yield sites.replace(node, f"({sites.read(node.right)})")


def dropped_term(sites: Sites) -> Iterator[Edit]:
    for node in sites.of(ast.BinOp):
        if isinstance(node.op, ast.Add | ast.Sub):
            yield sites.replace(node, f"({sites.read(node.left)})")
            if isinstance(node.op, ast.Add):
                yield sites.replace(node, f"({sites.read(node.right)})")


def dropped_function(sites: Sites) -> Iterator[Edit]:
    """The argument for the value of a function."""
    for call in sites.calls("exp", "exp2", "log", "log2", "rsqrt", "sqrt", "tanh", "sigmoid", "abs", "erf"):
        if call.args:
            yield sites.replace(call, f"({sites.read(call.args[0])})")


def wrong_number(sites: Sites) -> Iterator[Edit]:
    """A whole number that is one too large, or a real one that is off by a tenth."""
    for node in sites.of(ast.Constant):
        if is_number(node):
            value = node.value + 1 if type(node.value) is int else node.value * 1.1 or 0.1
            yield sites.replace(node, repr(value))


def slightly_wrong_number(sites: Sites) -> Iterator[Edit]:
    """A real number that is off by a hundredth: what a tolerance of 1e-2 cannot see."""
    for node in sites.of(ast.Constant):
        if is_number(node, float) and node.value:
            yield sites.replace(node, repr(node.value * 1.01))


def dropped_cast(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls("cast", "Cast"):
        value = call.args[1 if tile_name(call) == "Cast" else 0]
        yield sites.replace(call, f"({sites.read(value)})")


def early_cast(sites: Sites) -> Iterator[Edit]:
    """A value rounded to 16 bits before it is used, where float32 was to be kept."""
    for node in sites.stored():
        if isinstance(node, ast.Assign) or isinstance(node.op, ast.Add | ast.Mult):
            yield sites.replace(node.value, f'T.cast(T.cast({sites.read(node.value)}, "float16"), "float32")')


def narrowed_cast(sites: Sites) -> Iterator[Edit]:
    """A cast to float32 that goes to 16 bits."""
    for call in sites.calls("cast", "Cast"):
        for argument in call.args:
            if isinstance(argument, ast.Constant) and argument.value == "float32":
                yield sites.replace(argument, '"float16"')
