"""Cases that take the branches of a body which the drawn cases leave out.

A body may choose its code by the static dims while it is traced: `if D <= 16384:`, `192 if N % 192 == 0 else 256`.
What no case chooses is never traced, let alone run. A grid of fixed size gives its blocks a second tile only where
there are more tiles than blocks, and a block whose tile takes the whole of an axis has no neighbour along it. Here
conditions, bounds of loops and counts of tiles are evaluated, not executed: whole-number arithmetic over dims, params,
tunables and the first block's indices, nothing else.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from ..analysis.cases import Case
from ..analysis.cost import cost
from ..ir.spec import Spec
from ..scaffold.body import Body
from ..scaffold.naming import safe_name
from .candidate import factory_arguments
from .extents import Work, is_allowed, with_extent

_MOST_CASES = 12
_LARGEST = 1 << 16
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs, "int": int, "bool": bool}
_FUNCTIONS |= {"ceildiv": lambda a, b: -(-a // b), "cdiv": lambda a, b: -(-a // b), "floordiv": operator.floordiv}
_QUOTIENTS = frozenset({"ceildiv", "cdiv", "floordiv"})
_EQUAL = 2
"""The outcome of a comparison of equal real numbers, beside 0 and 1."""
_ROUNDS = 3
"""Loops of that many rounds or more are not told apart."""
_LOOPS = frozenset({"serial", "Serial", "Pipelined", "Persistent"})
_UNKNOWN = (LookupError, TypeError, ValueError, ArithmeticError)
"""A value that is not there, or that the arithmetic here does not have."""

_COMES_ROUND = 4
"""The outcome of `step % stages` where a later round of the outer loop comes to the stage of an earlier one's last."""

Outcome = tuple[int, ...]
"""Line and column of a condition, loop or ring, and what it was, or how many rounds it ran; one more number where that
was in a loop of two rounds or more."""


def branch_cases(spec: Spec, body: Body, cases: Sequence[Case]) -> tuple[Case, ...]:
    """More cases, few and small: together with `cases` they meet each condition both ways, each count of tiles (a whole
    quotient) of one and of more, each loop with one, two and more rounds, and each ring of stages gone round from one
    tile into another, where other values of one dim or two, or of a real param, do. Each costs a build."""
    tree = ast.parse(body.code)

    def outcomes(case: Case) -> set[Outcome]:
        arguments = factory_arguments(spec, case.binding(spec), case.absent)
        dims = {safe_name(name): value for name, value in case.dims}
        return _outcomes(tree, {**dims, **arguments, **{name: values[0] for name, values in body.tunables}})

    seen = set().union(*map(outcomes, cases))
    found: list[Case] = []
    candidates = partial(_candidates, spec, _numbers(tree, body), work=cost(spec).compiled_work())
    for case in chain(candidates(cases), _of_two_dims(spec, candidates, found)):
        new = outcomes(case) - seen
        if new and len(found) < _MOST_CASES:
            found.append(case)
            seen |= new
    return tuple(found)


def _of_two_dims(spec: Spec, candidates: Callable[..., Iterator[Case]], found: Sequence[Case]) -> Iterator[Case]:
    """Cases that differ in one dim from one of those found, and so in two from the drawn ones; the cheapest first."""
    work = cost(spec).compiled_work()
    cases = (case for start in tuple(found) for case in candidates((start,)))
    yield from sorted(dict.fromkeys(cases), key=lambda case: work({**dict(case.dims), **dict(case.params)}))


def _candidates(spec: Spec, numbers: Sequence[int], cases: Sequence[Case], *, work: Work) -> Iterator[Case]:
    """Cases with one dim near a number of the body, or at a multiple of it, or far larger; the others as in a case that
    is given: any, else the one with the least work."""
    near = sorted({wanted for each in numbers for wanted in (each, each + 1, 2 * each, 3 * each)})
    cheapest = min(cases, key=lambda case: work({**dict(case.dims), **dict(case.params)}), default=None)
    turn = 0
    for dim in spec.dims:
        for wanted in (2**power for power in range(8, 18)) if dim.dynamic or dim.spread else near:
            turn += 1
            for case in (cases[turn % len(cases)], cheapest) if cheapest else ():
                changed = with_extent(spec, case, dim.name, wanted, work)
                if changed is not None:
                    yield changed
                    break
    yield from _other_numbers(spec, cases)


def _other_numbers(spec: Spec, cases: Sequence[Case]) -> Iterator[Case]:
    """Cases with a real param of the other sign, or 0."""
    for case in cases[:1]:
        values = case.binding(spec).params
        for param in spec.params:
            if param.dtype in ("f32", "f64"):
                for value in (-float(values[param.name]), 0.0):
                    changed = replace(case, params=tuple({**dict(case.params), param.name: value}.items()))
                    if is_allowed(spec, changed):
                        yield changed


def _numbers(tree: ast.Module, body: Body) -> list[int]:
    """The whole numbers of a body and of its tunables that may be extents."""
    written = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    chosen = (candidate for _, candidates in body.tunables for candidate in candidates)
    return sorted({each for each in (*written, *chosen) if type(each) is int and 1 < each <= _LARGEST})


def _outcomes(tree: ast.Module, values: Mapping[str, Any]) -> set[Outcome]:
    """What every condition is, and how often every loop runs, that these values decide."""
    reader = _Reader(dict(values))
    reader.read(tree)
    return reader.outcomes


class _Reader:
    """Evaluates expressions over known names, and notes each condition that it meets."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.outcomes: set[Outcome] = set()

    def read(self, node: ast.AST, rounds: tuple[int, ...] = ()) -> None:
        """What a node and those in it come to, in their order; `rounds` are those of the loops around it."""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            self.assign(node.targets[0].id, node.value)
        elif isinstance(node, ast.With):
            self.enter(node)
        elif isinstance(node, ast.If | ast.IfExp):
            self.decide(node.test)
        elif isinstance(node, ast.For):
            rounds = (*rounds, self.loop(node, again=max(rounds, default=0) > 1))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            self.ring(node, rounds)
        for child in ast.iter_child_nodes(node):
            self.read(child, rounds)

    def assign(self, name: str, node: ast.expr) -> None:
        try:
            self.values[name] = self.value(node)
        except _UNKNOWN:
            self.values.pop(name, None)

    def decide(self, node: ast.expr) -> None:
        try:
            self.value(node)
        except _UNKNOWN:
            return

    def enter(self, node: ast.With) -> None:
        """The first block's indices, and the extents of the grid."""
        targets = (item.optional_vars for item in node.items if item.optional_vars is not None)
        names = (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        self.values |= dict.fromkeys(names, 0)
        calls = (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call))
        for extent in (each for call in calls for each in call.args):
            self.decide(extent)

    def loop(self, node: ast.For, *, again: bool) -> int:
        """How many rounds a serial loop with one or two bounds has, 1 if that is not known. What is in it is read for
        the first."""
        self.values |= dict.fromkeys((each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)), 0)
        call = node.iter
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr not in _LOOPS:
            return 1
        try:
            bounds = [self.value(each) for each in call.args[:2]]
            rounds = bounds[-1] - (bounds[0] if len(bounds) > 1 else 0)
        except _UNKNOWN:
            return 1
        counted = (node.lineno, node.col_offset, max(0, min(rounds, _ROUNDS)))
        self.outcomes |= {counted, (*counted, 1)} if again else {counted}
        return rounds

    def ring(self, node: ast.BinOp, rounds: tuple[int, ...]) -> None:
        """Whether so many steps follow the first round's last that they come to its stage again, in loops in loops."""
        try:
            stages = self.value(node.right)
        except _UNKNOWN:
            return
        if len(rounds) > 1 and 1 < stages <= math.prod(rounds) - rounds[-1]:
            self.outcomes.add((node.lineno, node.col_offset, _COMES_ROUND))

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.values[node.id]
        if isinstance(node, ast.BinOp):
            found = _BINARY[type(node.op)](self.value(node.left), self.value(node.right))
            return self._counted(node, found) if isinstance(node.op, ast.FloorDiv) else found
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compared(node, self.value(node.left), self.value(node.comparators[0]))
        if isinstance(node, ast.IfExp):
            return self.value(node.body if self.value(node.test) else node.orelse)
        if isinstance(node, ast.BoolOp):
            return self._noted(node, self._connected(node))
        if isinstance(node, ast.UnaryOp):
            return not self.value(node.operand) if isinstance(node.op, ast.Not) else -self.value(node.operand)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            found = _FUNCTIONS[name](*map(self.value, node.args))
            return self._counted(node, found) if name in _QUOTIENTS else found
        raise LookupError(type(node).__name__)

    def _counted(self, node: ast.expr, tiles: Any) -> Any:
        """A quotient of extents: whether there is more than one tile."""
        self.outcomes.add((node.lineno, node.col_offset, bool(tiles > 1)))
        return tiles

    def _connected(self, node: ast.BoolOp) -> Any:
        chosen = all if isinstance(node.op, ast.And) else any
        return chosen(self.value(each) for each in node.values)

    def _compared(self, node: ast.Compare, left: Any, right: Any) -> bool:
        if left == right and isinstance(left, float):
            self.outcomes.add((node.lineno, node.col_offset, _EQUAL))
        return self._noted(node, _COMPARE[type(node.ops[0])](left, right))

    def _noted(self, node: ast.expr, value: Any) -> bool:
        self.outcomes.add((node.lineno, node.col_offset, bool(value)))
        return bool(value)
