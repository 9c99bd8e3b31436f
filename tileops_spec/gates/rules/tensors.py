"""TS405: what must be read and written for the body to compute the spec at all, and what must not be written."""

from __future__ import annotations

from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from ...diagnostics.text import Span
from ...ir.nodes import Access, Lookup
from ...ir.spec import Spec
from ...ir.walk import walk
from ...scaffold.naming import safe_name
from ...scaffold.regions import body_span
from .reading import mentions
from .source import Source

_HELP = "the mathematics depends on this input"
_OUTPUT_HELP = "every element of every output must be written: copied to, stored to, or added to atomically"


def check_tensors(source: Source) -> Iterator[Diagnostic]:
    """An input that the mathematics needs and the body never reads; an output that it never writes."""
    needed = _needed(source.spec)
    for tensor in source.spec.inputs:
        if tensor.name in needed and tensor.name not in source.spec.in_place:
            yield from _check_one(source, tensor.name, ("write", "ask"), "input", "reads", _HELP)
    for tensor in source.spec.outputs:
        yield from _check_one(source, tensor.name, ("read", "ask"), "output", "writes", _OUTPUT_HELP)


def _check_one(
    source: Source, tensor: str, idle: tuple[str, ...], role: str, verb: str, help_text: str
) -> Iterator[Diagnostic]:
    """One finding where every mention of the tensor is of the `idle` kinds."""
    name = safe_name(tensor)
    found = list(mentions(source, name))
    if any(effect not in (*idle, "bind") for effect, _ in found):
        return
    span = source.span(found[0][1]) if found else _beginning(source)
    message = f"the body never {verb if found else 'mentions'} the {role} `{name}`"
    yield Diagnostic(code="TS405", message=message, span=span, help=help_text)


def _beginning(source: Source) -> Span:
    if source.tree.body:
        return source.span(source.tree.body[0])
    return body_span(source.place.kernel.text, path=source.place.kernel.path)


def _needed(spec: Spec) -> frozenset[str]:
    """The tensors and locals that the outputs depend on."""
    needed = {tensor.name for tensor in spec.outputs}
    for definition in reversed(spec.math):
        if definition.target in needed:
            nodes = (node for value in definition.values for node in walk(value))
            needed |= {node.tensor for node in nodes if isinstance(node, Access | Lookup)}
    return frozenset(needed)


def ap27_input_written(source: Source) -> Iterator[Diagnostic]:
    """A store, a copy or an atomic whose target is an input."""
    for tensor in source.spec.inputs:
        if tensor.name in source.spec.in_place:
            continue
        name = safe_name(tensor.name)
        for effect, node in mentions(source, name):
            if effect == "write":
                message = f"AP27: the input `{name}` is written"
                yield source.finding("TS405", node, message, "write outputs only; scratch space is shared memory")
