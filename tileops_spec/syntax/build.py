"""From the parts of grammar rules to the classes of `syntax.tree`; one method a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..diagnostics.text import Span
from . import tree
from .machine import Token

_MOST_DIGITS = 20  # of 2**64 in decimal; Python refuses to read very long integers


class NumberTooLarge(Exception):
    """An integer literal that no dtype holds."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


class TreeBuilder:
    """Each method takes the place of its rule, and the rule's parts: tokens, nodes, None for what was left out."""

    def dtype_set(self, span: Span, choices: list[Any]) -> tree.DTypeSet:
        return tree.DTypeSet(tuple(choices), span)

    def choice(self, span: Span, names: list[Token]) -> tuple[tree.Name, ...]:
        return tuple(_name(name, span) for name in names if name is not None and name.kind == "NAME")

    def tensor_type(self, span: Span, parts: list[Any]) -> tree.TensorType:
        return tree.TensorType(_name(parts[0], span), _items(parts[1:-1]), parts[-1], span)

    def param_type(self, span: Span, parts: list[Any]) -> tree.ParamType:
        default = next((part for part in parts[1:] if part is not None and not isinstance(part, Token)), None)
        return tree.ParamType(_name(parts[0], span), default, span)

    def clause(self, span: Span, parts: list[Any]) -> tree.Expr:
        return parts[0]

    def statement(self, span: Span, parts: list[Any]) -> tree.Statement:
        return tree.Statement(parts[0], parts[1].text, parts[2], span)

    def target(self, span: Span, parts: list[Any]) -> tree.Target:
        bracketed = span.end > parts[0].end
        return tree.Target(_name(parts[0], span), _items(parts[1:]) if bracketed else None, span)

    def spread(self, span: Span, parts: list[Token]) -> tree.Spread:
        return tree.Spread(parts[0].text, span)

    def _chain(self, span: Span, parts: list[Any]) -> tree.Expr:
        """`a op b op c`, left to right."""
        left = parts[0]
        for operator, right in zip(parts[1::2], parts[2::2], strict=True):
            left = tree.Binary(operator.text, left, right, left.span.to(right.span))
        return left

    bit_or = bit_and = shift = sum = product = _chain

    def comparison(self, span: Span, parts: list[Any]) -> tree.Expr:
        """`a <= b < c` means `a <= b and b < c`."""
        links = [
            tree.Binary(operator.text, left, right, left.span.to(right.span))
            for left, operator, right in zip(parts[0::2], parts[1::2], parts[2::2], strict=False)
        ]
        return self._joined("and", links)

    def disjunction(self, span: Span, parts: list[Any]) -> tree.Expr:
        return self._joined("or", parts)

    def conjunction(self, span: Span, parts: list[Any]) -> tree.Expr:
        return self._joined("and", parts)

    def _joined(self, operator: str, parts: list[tree.Expr]) -> tree.Expr:
        left = parts[0]
        for right in parts[1:]:
            left = tree.Binary(operator, left, right, left.span.to(right.span))
        return left

    def inversion(self, span: Span, parts: list[Any]) -> tree.Unary:
        return tree.Unary("not", parts[0], span)

    def negative(self, span: Span, parts: list[Any]) -> tree.Unary:
        return tree.Unary(parts[0].text, parts[1], span)

    def complement(self, span: Span, parts: list[Any]) -> tree.Unary:
        return tree.Unary("~", parts[0], span)

    def power(self, span: Span, parts: list[Any]) -> tree.Binary:
        return tree.Binary("^", parts[0], parts[1], span)

    def group(self, span: Span, parts: list[tree.Expr]) -> tree.Expr:
        """What parentheses hold, with a span that covers them, so that every larger span is balanced."""
        return replace(parts[0], span=span)

    def number(self, span: Span, parts: list[Token]) -> tree.Number:
        value = _number(parts[0].text)
        if value is None:
            raise NumberTooLarge(span)
        return tree.Number(value, span)

    def truth(self, span: Span, parts: list[Token]) -> tree.Truth:
        return tree.Truth(parts[0].text == "true", span)

    def name(self, span: Span, parts: list[Token]) -> tree.Name:
        return tree.Name(parts[0].text, span)

    def call(self, span: Span, parts: list[Any]) -> tree.Call:
        return tree.Call(_name(parts[0], span), _items(parts[1:]), span)

    def subscript(self, span: Span, parts: list[Any]) -> tree.Subscript:
        return tree.Subscript(_name(parts[0], span), _items(parts[1:]), span)

    def reduction(self, span: Span, parts: list[Any]) -> tree.Reduction:
        return tree.Reduction(_name(parts[0], span), _items(parts[1:-1]), parts[-1], span)

    def arguments(self, span: Span, parts: list[Any]) -> tuple[tree.Expr, ...]:
        return _items(parts)


def _name(token: Token, span: Span) -> tree.Name:
    """The name that a token is, in the file of `span`."""
    return tree.Name(token.text, Span(span.path, token.start, token.end))


def _items(parts: list[Any]) -> tuple[Any, ...]:
    return tuple(part for part in parts if part is not None and not isinstance(part, Token))


def _number(text: str) -> int | float | None:
    """The value of a literal; None for an integer that does not fit in 64 bits."""
    is_hex = text.startswith("0x")
    if not is_hex and not text.isdecimal():
        return float(text)
    digits = text[2:].lstrip("0") if is_hex else text.lstrip("0")
    value = int(digits or "0", 16 if is_hex else 10) if len(digits) <= _MOST_DIGITS else None
    return value if value is not None and value < 2**64 else None
