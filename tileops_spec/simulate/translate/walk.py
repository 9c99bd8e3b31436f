"""The children of TIR nodes."""

from __future__ import annotations

from ..errors import Unsupported

LEAVES = ("IntImm", "FloatImm", "StringImm", "Var", "SizeVar")
BINARY = frozenset(
    ("Add", "Sub", "Mul", "Div", "Mod", "FloorDiv", "FloorMod", "Min", "Max", "EQ", "NE", "LT", "LE", "GT", "GE")
) | {"And", "Or"}


def children(expr) -> list:
    """The direct sub-expressions of an expression; annotations of calls (barriers of a copy) included."""
    name = type(expr).__name__
    if name in LEAVES:
        return []
    if name in BINARY:
        return [expr.a, expr.b]
    if name == "BufferLoad":
        return list(expr.indices)
    if name == "Call":
        return list(expr.args)
    rule = _CHILDREN.get(name)
    if rule is None:
        raise Unsupported(f"expression {name}")
    return rule(expr)


_CHILDREN = {
    "Not": lambda e: [e.a],
    "Cast": lambda e: [e.value],
    "Select": lambda e: [e.condition, e.true_value, e.false_value],
    "Let": lambda e: [e.value, e.body],
    "Ramp": lambda e: [e.base, e.stride],
    "Broadcast": lambda e: [e.value],
    "Shuffle": lambda e: [*e.vectors, *e.indices],
}


def statement_parts(stmt) -> tuple[list, list]:
    """The expressions and the statements directly inside a statement (both sides of an if excepted)."""
    name = type(stmt).__name__
    rule = _STATEMENTS.get(name)
    if rule is None:
        raise Unsupported(f"statement {name}")
    return rule(stmt)


_STATEMENTS = {
    "SBlockRealize": lambda s: ([], [s.block]),
    "SBlock": lambda s: ([], [s.body]),
    "SeqStmt": lambda s: ([], list(s.seq)),
    "For": lambda s: ([s.min, s.extent], [s.body]),
    "While": lambda s: ([s.condition], [s.body]),
    "BufferStore": lambda s: ([s.value, *s.indices], []),
    "Evaluate": lambda s: ([s.value], []),
    "Bind": lambda s: ([s.value], []),
    "AttrStmt": lambda s: ([], [s.body]),
    "AssertStmt": lambda s: ([s.condition], [getattr(s, "body", None)] if getattr(s, "body", None) is not None else []),
    "AllocBuffer": lambda s: ([], [s.body] if getattr(s, "body", None) is not None else []),
    "DeclBuffer": lambda s: ([], [s.body] if getattr(s, "body", None) is not None else []),
}


def call_name(expr) -> str | None:
    """`tl.tileop.copy` → `tileop.copy`; None for what is no call."""
    if type(expr).__name__ != "Call":
        return None
    full = expr.op.name if hasattr(expr.op, "name") else str(expr.op)
    return full.split(".", 1)[-1]


def is_chip(buffer) -> bool:
    return buffer.scope() not in ("", "global")
