"""TS137: floats that were rounded, compared for equality."""

from __future__ import annotations

from dataclasses import dataclass

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Access, Along, Binary, Expr, Number, Reduce, Select
from ...ir.spec import Definition, Spec
from ...ir.walk import children, walk
from .facts import dtype_options, rounds

_CHOOSING = frozenset({"max", "min", "topk", "sort", "cummax", "cummin"})


def check_equality(spec: Spec, sink: Sink) -> None:
    """TS137 for `==` and `!=` between floats of which one is computed with rounding, numbers written out excepted."""
    exactness = _Exactness(spec, {each.target: each for each in spec.math})
    for definition in spec.math:
        for node in (node for value in definition.values for node in walk(value)):
            if isinstance(node, Binary) and node.op in ("==", "!=") and not exactness.of_comparison(node):
                message = f"`{node.op}` compares rounded floats: a kernel may round them otherwise"
                help_text = "compare with a tolerance, such as `abs(a - b) <= eps`"
                sink.warning("TS137", message, node.span, help=help_text)


@dataclass(frozen=True)
class _Exactness:
    """Which expressions every kernel computes to the same bits: inputs, and what only chooses among them."""

    spec: Spec
    definitions: dict[str, Definition]

    def of_comparison(self, node: Binary) -> bool:
        if isinstance(node.left, Number) or isinstance(node.right, Number):
            return True
        return self.of(node.left) and self.of(node.right)

    def of(self, expr: Expr) -> bool:
        if not any(option.is_float for option in dtype_options(self.spec, expr.dtype)):
            return True
        match expr:
            case Access():
                below = self.definitions.get(expr.tensor)
                return below is None or self._of_definition(below)
            case Select():
                return self.of(expr.then) and self.of(expr.otherwise)
            case Reduce() | Along():
                return expr.function in _CHOOSING and self.of(expr.body)
        return not rounds(expr) and all(map(self.of, children(expr)))

    def _of_definition(self, definition: Definition) -> bool:
        """Sums into elements, and recurrences, are not looked into."""
        if definition.is_scatter or definition.along is not None:
            return False
        others = {name: each for name, each in self.definitions.items() if each is not definition}
        return _Exactness(self.spec, others).of(definition.value)
