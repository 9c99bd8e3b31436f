"""Seeded errors in the statements: each function yields every mutant of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ...ir.dtypes import DTYPES
from ...ir.functions import ELEMENTWISE
from ...syntax import tree
from .sites import Mutant, Sites, nodes

_REDUCTIONS = {"sum": "max", "mean": "sum", "max": "min", "min": "max", "prod": "sum", "any": "all", "all": "any"}
_REDUCTIONS |= {"logsumexp": "max", "argmax": "argmin", "argmin": "argmax", "topk": "argtopk", "softmax": "cumsum"}
_REDUCTIONS |= {"cumsum": "cumprod", "cumprod": "cumsum", "log_softmax": "softmax", "sort": "cummax"}
_OPERATORS = {"+": "-", "-": "+", "*": "+", "/": "*", "//": "%", "%": "//", "<": "<=", "<=": "<", ">": ">="}
_OPERATORS |= {">=": ">", "==": "!=", "!=": "==", "and": "or", "or": "and", "&": "|", "|": "&", "<<": ">>", ">>": "<<"}
_FUNCTIONS = {"exp": "exp2", "exp2": "exp", "log": "log2", "rsqrt": "sqrt", "sqrt": "rsqrt", "sin": "cos", "cos": "sin"}
_FUNCTIONS |= {"tanh": "sigmoid", "sigmoid": "tanh", "min": "max", "max": "min", "silu": "relu", "relu": "abs"}
_FUNCTIONS |= {"erf": "tanh", "round": "trunc", "floor": "ceil", "ceil": "floor", "abs": "relu", "softplus": "relu"}


def wrong_reduction(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Reduction) and node.function.id in _REDUCTIONS:
            yield sites.mutant("wrong reduction", node.function.span, _REDUCTIONS[node.function.id])


def wrong_operator(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Binary) and node.op in _OPERATORS and not _shares_middle(node):
            left, right = sites.read(node.left.span), sites.read(node.right.span)
            yield sites.mutant("wrong operator", node.span, f"({left} {_OPERATORS[node.op]} {right})")


def _shares_middle(node: tree.Binary) -> bool:
    """Whether the node is the `and` of a chain of comparisons, which is written without it."""
    sides = (node.left, node.right)
    return node.op == "and" and all(isinstance(side, tree.Binary) for side in sides) and sides[0].right == sides[1].left


def wrong_function(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Call) and node.function.id in _FUNCTIONS:
            replacement = _FUNCTIONS[node.function.id]
            if ELEMENTWISE.get(replacement) == len(node.args):
                yield sites.mutant("wrong function", node.function.span, replacement)


def dropped_factor(sites: Sites) -> Iterator[Mutant]:
    """A scale that is forgotten: one side of a product, or the divisor of a quotient."""
    for node in sites.expressions():
        if isinstance(node, tree.Binary) and node.op in ("*", "/"):
            yield sites.mutant("dropped scale", node.span, sites.read(node.left.span))
            if node.op == "*":
                yield sites.mutant("dropped scale", node.span, sites.read(node.right.span))


def dropped_term(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Binary) and node.op in ("+", "-"):
            yield sites.mutant("dropped term", node.span, sites.read(node.left.span))


def swapped_indices(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Subscript):
            for first, second in combinations(node.items, 2):
                if first != second:
                    yield sites.swapped("swapped indices", first.span, second.span)


def off_by_one(sites: Sites) -> Iterator[Mutant]:
    """An index, or the bound of a reduction, that is one too large or too small."""
    for node in sites.expressions():
        if isinstance(node, tree.Subscript):
            for item in node.items:
                if not isinstance(item, tree.Spread):
                    yield sites.mutant("off by one", item.span, f"{sites.read(item.span)} + 1")
        if isinstance(node, tree.Reduction):
            for item in node.items:
                if isinstance(item, tree.Binary) and item.op in ("<", "<="):
                    other = "<=" if item.op == "<" else "<"
                    parts = sites.read(item.left.span), other, sites.read(item.right.span)
                    yield sites.mutant("off by one", item.span, " ".join(parts))


def dropped_cast(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if _is_cast(node, sites):
            yield sites.mutant("dropped cast", node.span, f"({sites.read(node.args[0].span)})")


def narrowed_cast(sites: Sites) -> Iterator[Mutant]:
    """A wide float that becomes a narrow one, in a cast."""
    for node in sites.expressions():
        if _is_cast(node, sites) and node.function.id in ("f32", "f64"):
            yield sites.mutant("narrowed dtype", node.function.span, "bf16")


def _is_cast(node: tree.Node, sites: Sites) -> bool:
    if not isinstance(node, tree.Call) or len(node.args) != 1:
        return False
    variables = {each.dtype.id for each in (*sites.inputs.values(), *sites.outputs.values())}
    return node.function.id in DTYPES or node.function.id in variables


def wrong_number(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Number):
            yield sites.mutant("wrong number", node.span, repr(node.value + 1 if node.value != 1 else 3))


def wrong_tensor(sites: Sites) -> Iterator[Mutant]:
    """An element of another tensor with as many axes."""
    ranks = {name: len(each.items) for name, each in sites.inputs.items()}
    ranks |= {each.target.name.id: len(each.target.items or ()) for each in sites.statements}
    for statement in sites.statements:
        for node in nodes(statement.value):
            if isinstance(node, tree.Subscript) and node.base.id in ranks:
                others = [n for n, rank in ranks.items() if rank == len(node.items) and n != node.base.id]
                for other in others[:1]:
                    yield sites.mutant("wrong tensor", node.base.span, other)


def swapped_branches(sites: Sites) -> Iterator[Mutant]:
    for node in sites.expressions():
        if isinstance(node, tree.Call) and node.function.id == "where" and len(node.args) == 3:
            yield sites.swapped("swapped branches", node.args[1].span, node.args[2].span)


def dropped_mask(sites: Sites) -> Iterator[Mutant]:
    """A selection whose condition is forgotten, or an element that is no longer padded."""
    for node in sites.expressions():
        if isinstance(node, tree.Call) and node.function.id == "where" and len(node.args) == 3:
            for branch in node.args[1:]:
                yield sites.mutant("dropped mask", node.span, f"({sites.read(branch.span)})")
        if isinstance(node, tree.Call) and node.function.id == "pad" and node.args:
            yield sites.mutant("dropped mask", node.span, sites.read(node.args[0].span))


def dropped_statement(sites: Sites) -> Iterator[Mutant]:
    for statement in sites.statements:
        yield sites.mutant("dropped statement", statement.span, "")


def repeated_statement(sites: Sites) -> Iterator[Mutant]:
    """A statement that stands twice: a second definition, or a term that is added twice."""
    for statement in sites.statements:
        text = sites.read(statement.span)
        column = sites.source.position(statement.span.start).column - 1
        yield sites.mutant("repeated statement", statement.span, f"{text}\n{' ' * column}{text}")


KINDS = (
    wrong_reduction,
    wrong_operator,
    wrong_function,
    dropped_factor,
    dropped_term,
    swapped_indices,
    off_by_one,
    dropped_cast,
    narrowed_cast,
    wrong_number,
    wrong_tensor,
    swapped_branches,
    dropped_mask,
    dropped_statement,
    repeated_statement,
)
