"""What the outputs of a spec depend on, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...ir.nodes import Cast, Expr, ParamRef
from ...ir.spec import Definition, Spec
from .facts import expressions, nodes, tensors_in

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Usage:
    """The statements that outputs depend on, and the names that those and the signature use."""

    spec: Spec

    @cached_property
    def needed(self) -> tuple[Definition, ...]:
        """The statements that an output depends on, in order."""
        wanted = {output.name for output in self.spec.outputs}
        reads = [{name for expr in expressions(each) for name, _ in tensors_in(expr)} for each in self.spec.math]
        grown = True
        while grown:
            before = len(wanted)
            for each, names in zip(self.spec.math, reads, strict=True):
                if each.target in wanted:
                    wanted |= names
            grown = len(wanted) > before
        return tuple(each for each in self.spec.math if each.target in wanted)

    @cached_property
    def tensors(self) -> frozenset[str]:
        """The tensors and locals whose elements the outputs depend on."""
        read = {name for expr in self._mathematics() for name, _ in tensors_in(expr)}
        kept = {each.target for each in self.needed if each.is_scatter}  # in place: the other elements stay
        return frozenset(read | kept | self._referred)

    @cached_property
    def params(self) -> frozenset[str]:
        """The params that the outputs' values or the tensors' shapes depend on, through defaults as well."""
        used = set(_params(self._mathematics())) | set(_params(self._signature())) | self._referred
        for param in reversed(self.spec.params):
            if param.name in used and param.default is not None:
                used |= set(_params((param.default,)))
        return frozenset(used)

    @cached_property
    def dtypes(self) -> frozenset[str]:
        """The dtypes that tensors, params and casts have."""
        declared = (*self.spec.inputs, *self.spec.outputs, *self.spec.params)
        cast = (node.dtype for expr in self._mathematics() for node in nodes(expr) if isinstance(node, Cast))
        return frozenset((*(each.dtype for each in declared), *cast))

    def _mathematics(self) -> Iterator[Expr]:
        for definition in self.needed:
            yield from expressions(definition)

    def _signature(self) -> Iterator[Expr]:
        for tensor in (*self.spec.inputs, *self.spec.outputs):
            yield from tensor.shape
            if tensor.default is not None:
                yield tensor.default

    @cached_property
    def _referred(self) -> frozenset[str]:
        """The names in the references of a spec that has no mathematics: there is nothing else to go by."""
        if self.spec.math:
            return frozenset()
        return frozenset(word for each in self.spec.references for word in _WORD.findall(each.expression))


def _params(exprs: Iterable[Expr]) -> Iterator[str]:
    return (node.name for expr in exprs for node in nodes(expr) if isinstance(node, ParamRef))
