"""Guards, masks, conditions and branches."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}


def dropped_guard(sites: Sites) -> Iterator[Edit]:
    """What a condition protected is done always, or only the other branch."""
    for node in sites.of(ast.If):
        yield sites.replace(node.test, "True")
        yield sites.replace(node.test, "False")


def dropped_mask(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls("if_then_else", "Select", "where"):
        for branch in call.args[1:]:
            yield sites.replace(call, f"({sites.read(branch)})")
    for node in sites.of(ast.IfExp):
        for branch in (node.body, node.orelse):
            yield sites.replace(node, f"({sites.read(branch)})")


def weakened_condition(sites: Sites) -> Iterator[Edit]:
    """One operand of an `and` or `or` forgotten."""
    for node in sites.of(ast.BoolOp):
        word = " and " if isinstance(node.op, ast.And) else " or "
        for left_out in node.values:
            kept = word.join(sites.read(each) for each in node.values if each is not left_out)
            yield sites.replace(node, f"({kept})")


def wrong_connective(sites: Sites) -> Iterator[Edit]:
    for node in sites.of(ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield sites.replace(node, f"({word.join(sites.read(each) for each in node.values)})")


def off_by_one_comparison(sites: Sites) -> Iterator[Edit]:
    """`<` for `<=` and the like."""
    for node in sites.of(ast.Compare):
        kind = type(node.ops[0])
        if len(node.ops) == 1 and kind in _COMPARISONS:
            left, right = sites.read(node.left), sites.read(node.comparators[0])
            yield sites.replace(node, f"({left} {_COMPARISONS[kind][1]} {right})")


def moved_comparison(sites: Sites) -> Iterator[Edit]:
    """A bound that is one off in the other direction than the sign of equality can say."""
    for node in sites.of(ast.Compare):
        kind = type(node.ops[0])
        if len(node.ops) == 1 and kind in _COMPARISONS:
            step = "+ 1" if kind in (ast.LtE, ast.Gt) else "- 1"
            yield sites.replace(node.comparators[0], f"({sites.read(node.comparators[0])} {step})")


def negated_condition(sites: Sites) -> Iterator[Edit]:
    opposites = {ast.Lt: ">=", ast.LtE: ">", ast.Gt: "<=", ast.GtE: "<", ast.Eq: "!=", ast.NotEq: "=="}
    for node in sites.of(ast.Compare):
        kind = type(node.ops[0])
        if len(node.ops) == 1 and kind in opposites:
            left, right = sites.read(node.left), sites.read(node.comparators[0])
            yield sites.replace(node, f"({left} {opposites[kind]} {right})")


def swapped_branches(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls("if_then_else", "Select", "where"):
        if len(call.args) == 3:
            yield sites.swap(call.args[1], call.args[2])
    for node in sites.of(ast.IfExp):
        yield sites.replace(
            node, f"{sites.read(node.orelse)} if {sites.read(node.test)} else ({sites.read(node.body)})"
        )
