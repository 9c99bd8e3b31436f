"""From Lark's parse tree to the classes of `syntax.tree`; one method a grammar rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from ..diagnostics.text import Span
from . import tree

_MOST_DIGITS = 20  # of 2**64 in decimal; Python refuses to read very long integers


class NumberTooLarge(Exception):
    """An integer literal that no dtype holds."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


@v_args(meta=True)
class TreeBuilder(Transformer):
    """Builds the syntax tree of one string of the file at `path`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def _span(self, meta: Meta) -> Span:
        return Span(self.path, meta.start_pos, meta.end_pos)

    def _name(self, token: Token) -> tree.Name:
        return tree.Name(str(token), Span(self.path, token.start_pos, token.end_pos))

    def dtype_set(self, meta: Meta, choices: list[Any]) -> tree.DTypeSet:
        return tree.DTypeSet(tuple(choices), self._span(meta))

    def choice(self, meta: Meta, names: list[Token]) -> tuple[tree.Name, ...]:
        return tuple(self._name(name) for name in names if name is not None and name.type == "NAME")

    def tensor_type(self, meta: Meta, parts: list[Any]) -> tree.TensorType:
        return tree.TensorType(self._name(parts[0]), _items(parts[1:-1]), parts[-1], self._span(meta))

    def param_type(self, meta: Meta, parts: list[Any]) -> tree.ParamType:
        default = next((part for part in parts[1:] if part is not None and not isinstance(part, Token)), None)
        return tree.ParamType(self._name(parts[0]), default, self._span(meta))

    def clause(self, meta: Meta, parts: list[Any]) -> tree.Expr:
        return parts[0]

    def statement(self, meta: Meta, parts: list[Any]) -> tree.Statement:
        return tree.Statement(parts[0], str(parts[1]), parts[2], self._span(meta))

    def target(self, meta: Meta, parts: list[Any]) -> tree.Target:
        span = self._span(meta)
        bracketed = span.end > parts[0].end_pos
        return tree.Target(self._name(parts[0]), _items(parts[1:]) if bracketed else None, span)

    def spread(self, meta: Meta, parts: list[Token]) -> tree.Spread:
        return tree.Spread(str(parts[0]), self._span(meta))

    def _chain(self, meta: Meta, parts: list[Any]) -> tree.Expr:
        """`a op b op c`, left to right."""
        left = parts[0]
        for operator, right in zip(parts[1::2], parts[2::2], strict=True):
            left = tree.Binary(str(operator), left, right, left.span.to(right.span))
        return left

    bit_or = bit_and = shift = sum = product = _chain

    def comparison(self, meta: Meta, parts: list[Any]) -> tree.Expr:
        """`a <= b < c` means `a <= b and b < c`."""
        links = [
            tree.Binary(str(operator), left, right, left.span.to(right.span))
            for left, operator, right in zip(parts[0::2], parts[1::2], parts[2::2], strict=False)
        ]
        return self._joined("and", links)

    def disjunction(self, meta: Meta, parts: list[Any]) -> tree.Expr:
        return self._joined("or", parts)

    def conjunction(self, meta: Meta, parts: list[Any]) -> tree.Expr:
        return self._joined("and", parts)

    def _joined(self, operator: str, parts: list[tree.Expr]) -> tree.Expr:
        left = parts[0]
        for right in parts[1:]:
            left = tree.Binary(operator, left, right, left.span.to(right.span))
        return left

    def inversion(self, meta: Meta, parts: list[Any]) -> tree.Unary:
        return tree.Unary("not", parts[0], self._span(meta))

    def negative(self, meta: Meta, parts: list[Any]) -> tree.Unary:
        return tree.Unary(str(parts[0]), parts[1], self._span(meta))

    def complement(self, meta: Meta, parts: list[Any]) -> tree.Unary:
        return tree.Unary("~", parts[0], self._span(meta))

    def power(self, meta: Meta, parts: list[Any]) -> tree.Binary:
        return tree.Binary("^", parts[0], parts[1], self._span(meta))

    def group(self, meta: Meta, parts: list[tree.Expr]) -> tree.Expr:
        """What parentheses hold, with a span that covers them, so that every larger span is balanced."""
        return replace(parts[0], span=self._span(meta))

    def number(self, meta: Meta, parts: list[Token]) -> tree.Number:
        value = _number(str(parts[0]))
        if value is None:
            raise NumberTooLarge(self._span(meta))
        return tree.Number(value, self._span(meta))

    def truth(self, meta: Meta, parts: list[Token]) -> tree.Truth:
        return tree.Truth(str(parts[0]) == "true", self._span(meta))

    def name(self, meta: Meta, parts: list[Token]) -> tree.Name:
        return self._name(parts[0])

    def call(self, meta: Meta, parts: list[Any]) -> tree.Call:
        return tree.Call(self._name(parts[0]), _items(parts[1:]), self._span(meta))

    def subscript(self, meta: Meta, parts: list[Any]) -> tree.Subscript:
        return tree.Subscript(self._name(parts[0]), _items(parts[1:]), self._span(meta))

    def reduction(self, meta: Meta, parts: list[Any]) -> tree.Reduction:
        return tree.Reduction(self._name(parts[0]), _items(parts[1:-1]), parts[-1], self._span(meta))

    def arguments(self, meta: Meta, parts: list[Any]) -> tuple[tree.Expr, ...]:
        return _items(parts)


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
