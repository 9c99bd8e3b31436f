"""Forms of expressions and statements that are equal where two differ in the names of index variables and locals alone.

Index variables become the number of variables that were bound around them, operands of commutative operations an order
of their own: both change no bit of a result. Everything else is kept: the order of a sum's operands, each cast, each
dtype.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..ir.nodes import Access, Along, Axis, Binary, Cast, Expr, IndexRef, Lookup, Number, Present, Property, Reduce
from ..ir.spec import Definition, Spec

Form = Any
"""Nested tuples of words and numbers, to be compared; two of one spec language version are comparable."""

_COMMUTATIVE = frozenset({"+", "*", "==", "!=", "&", "|"})
_FLIPPED = {">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Canon:
    """How forms are made. `tensor` says what stands for a tensor's or a definition's name.

    Without `casts`, `dtypes` or `numbers`, forms are equal that differ in those alone.
    """

    tensor: Callable[[str], str] = str
    casts: bool = True
    dtypes: bool = True
    numbers: bool = True

    def expr(self, node: Expr, bound: Mapping[str, int]) -> Form:
        """The form of an expression; `bound` numbers the index variables around it."""
        match node:
            case Number():
                value = (type(node.value).__name__, repr(node.value)) if self.numbers else ()
                return ("number", value, self._dtype(node))
            case IndexRef():
                return ("index", bound.get(node.name, node.name), node.spread, self._dtype(node))
            case Cast() if not self.casts:
                return self.expr(node.operand, bound)
            case Access():
                indices = tuple(self.expr(index, bound) for index in node.indices)
                return ("access", self.tensor(node.tensor), indices, self._optional(node.pad, bound), self._dtype(node))
            case Lookup():
                return ("lookup", self.tensor(node.tensor), self.expr(node.value, bound))
            case Present():
                return ("present", self.tensor(node.tensor))
            case Property():
                return (node.function, self.tensor(node.tensor))
            case Along():
                body = self.expr(node.body, bound)
                return ("along", node.function, bound.get(node.axis, node.axis), body, self._dtype(node))
            case Reduce():
                return self._reduce(node, bound)
            case Binary():
                return self._binary(node, bound)
        return self._plain(node, bound)

    def definition(self, definition: Definition) -> Form:
        """The form of a statement, its target's name left out."""
        axes, bound = self._bind(definition.axes, {})
        return (
            definition.op,
            axes,
            self.expr(definition.value, bound),
            tuple(self.expr(index, bound) for index in definition.indices),
            tuple(self.expr(extent, {}) for extent in definition.target_shape),
            bound.get(definition.along) if definition.along is not None else None,
            self._optional(definition.initial, bound),
            definition.backward,
            definition.dtype if self.dtypes else "",
        )

    def _bind(self, axes: Iterable[Axis], bound: Mapping[str, int]) -> tuple[Form, dict[str, int]]:
        """The axes' forms, and the numbers inside them: bounds may use the axes further left."""
        inner, forms = dict(bound), []
        for axis in axes:
            limits = (self._optional(axis.lower, inner), self._optional(axis.upper, inner))
            forms.append((self.expr(axis.extent, inner), *limits, axis.spread))
            inner[axis.name] = len(inner)
        return tuple(forms), inner

    def _reduce(self, node: Reduce, bound: Mapping[str, int]) -> Form:
        axes, inner = self._bind(node.axes, bound)
        rank = self._optional(node.rank, bound)
        return ("reduce", node.function, axes, self.expr(node.body, inner), rank, self._dtype(node))

    def _binary(self, node: Binary, bound: Mapping[str, int]) -> Form:
        operands = (self.expr(node.left, bound), self.expr(node.right, bound))
        if node.op in _FLIPPED:
            operands = operands[::-1]
        elif node.op in _COMMUTATIVE:
            operands = tuple(sorted(operands, key=repr))
        return ("binary", _FLIPPED.get(node.op, node.op), *operands, self._dtype(node))

    def _plain(self, node: Expr, bound: Mapping[str, int]) -> Form:
        """A node that binds nothing and names no tensor: its fields in order."""
        values = (getattr(node, each.name) for each in fields(node) if each.compare and each.name != "dtype")
        return (*(self._value(value, bound) for value in values), self._dtype(node))

    def _value(self, value: Any, bound: Mapping[str, int]) -> Form:
        if isinstance(value, tuple):
            return tuple(self._value(item, bound) for item in value)
        return self.expr(value, bound) if hasattr(value, "kind") else value

    def _optional(self, node: Expr | None, bound: Mapping[str, int]) -> Form:
        return None if node is None else self.expr(node, bound)

    def _dtype(self, node: Expr) -> str:
        return node.dtype if self.dtypes else ""


@dataclass
class Meanings:
    """What each definition of a spec computes, as a hash: equal for definitions that are the same but for the names of
    index variables and of the locals that they read, whatever the order of the statements."""

    spec: Spec
    _known: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _lowest: int = 0

    def of(self, name: str) -> str:
        """The meaning of a name after the last statement."""
        return self._at(name, len(self.spec.math))

    def _at(self, name: str, before: int) -> str:
        """What a name means to the statement at a position: recurrences may be read above their step."""
        if any(tensor.name == name for tensor in self.spec.inputs) and before < len(self.spec.math):
            return f"input {name}"
        if name in self._open:
            depth = self._open.index(name)
            self._lowest = min(self._lowest, depth)
            return f"open {len(self._open) - 1 - depth}"
        places = [at for at, each in enumerate(self.spec.math) if each.target == name]
        key = (name, tuple(at for at in places if at < before) or tuple(places))
        return self._known[key] if key in self._known else self._find(key)

    def _find(self, key: tuple[str, tuple[int, ...]]) -> str:
        """Hash the statements of a name; kept where it does not depend on the names that are being hashed around it."""
        name, places = key
        outer, self._lowest = self._lowest, len(self._open)
        depth = len(self._open)
        self._open.append(name)
        forms = [Canon(tensor=lambda read, at=at: self._at(read, at)).definition(self.spec.math[at]) for at in places]
        self._open.pop()
        found = hashlib.sha256(repr(forms).encode()).hexdigest()
        if self._lowest >= depth:
            self._known[key] = found
        self._lowest = min(outer, self._lowest)
        return found
