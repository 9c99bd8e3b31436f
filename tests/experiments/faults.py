"""Mistakes that a kernel of a spec may make, found in its mathematics: which, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tileops_spec.analysis.cost import reads_data
from tileops_spec.ir.nodes import Access, Along, Binary, Call, Expr, IndexRef, Number, Reduce, Unary
from tileops_spec.ir.spec import Definition, Spec
from tileops_spec.ir.walk import walk

from .native import EXPONENTIALS

KINDS = ("f16 accumulator", "bf16 accumulator", "dropped tile", "missing scale", "exp 2^-8", "stale maximum")
SUMS = frozenset({"sum", "mean", "prod", "logsumexp"})
SOFTMAXES = frozenset({"softmax", "log_softmax", "logsumexp"})
SCANS = frozenset({"cumsum", "cumprod"})


@dataclass(frozen=True)
class Fault:
    """One mistake at one place: a node, or a whole statement where a recurrence or a scatter accumulates.

    `site` is the identity of that node or statement, `keep` the operand of a product that is left without its scale,
    `place` what a report calls it.
    """

    kind: str
    site: int
    place: str
    keep: Expr | None = None


def faults_of(spec: Spec) -> Iterator[Fault]:
    """Every fault that applies to the mathematics of a spec, statement by statement."""
    for definition in spec.math:
        if definition.along is not None or definition.op == "+=":
            yield from _stored_faults(definition, spec)
        for value in (*definition.values[: -len(definition.indices) or None],):
            for node in walk(value):
                yield from _node_faults(node, definition, spec)


def accumulates(spec: Spec) -> bool:
    """Whether a spec reduces anything: a reduction, a function along an axis, a recurrence, a scatter that adds."""
    nodes = (node for each in spec.math for value in each.values for node in walk(value))
    found = any(isinstance(node, Reduce | Along) for node in nodes)
    return found or any(each.along is not None or each.op == "+=" for each in spec.math)


def _stored_faults(definition: Definition, spec: Spec) -> Iterator[Fault]:
    what = "recurrence" if definition.along is not None else "scatter"
    for narrow in _narrower(_dtypes(definition.value.dtype, spec)):
        yield Fault(f"{narrow} accumulator", id(definition), f"{definition.target}: {what}")


def _node_faults(node: Expr, definition: Definition, spec: Spec) -> Iterator[Fault]:
    target = definition.target
    if isinstance(node, Reduce | Along):
        place = f"{target}: {node.function}"
        if node.function in SUMS | SOFTMAXES | SCANS:
            for narrow in _narrower(_dtypes(node.dtype, spec)):
                yield Fault(f"{narrow} accumulator", id(node), place)
        if isinstance(node, Reduce) or node.function in SOFTMAXES | SCANS:
            yield Fault("dropped tile", id(node), place)
        if node.function == "mean":
            yield Fault("missing scale", id(node), place)
        if node.function in SOFTMAXES:
            yield Fault("exp 2^-8", id(node), place)
            yield Fault("stale maximum", id(node), place)
    elif isinstance(node, Call) and node.function in EXPONENTIALS:
        yield Fault("exp 2^-8", id(node), f"{target}: {node.function}")
    elif isinstance(node, Binary) and node.op in ("*", "/") and _is_float(node, spec):
        yield from _scales(node, target)


def _scales(node: Binary, target: str) -> Iterator[Fault]:
    """A product with a number that is the same for every element, or a division by one."""
    sides = ((node.right, node.left), (node.left, node.right)) if node.op == "*" else ((node.right, node.left),)
    for scale, kept in sides:
        if _is_scalar(scale) and reads_data(kept):
            yield Fault("missing scale", id(node), f"{target}: {_named(scale)}", keep=kept)


def _is_scalar(expr: Expr) -> bool:
    nodes = list(walk(expr))
    if any(isinstance(node, IndexRef | Reduce) for node in nodes):
        return False
    return all(not node.indices for node in nodes if isinstance(node, Access)) and not _is_sign(expr)


def _is_sign(expr: Expr) -> bool:
    """±1, whose absence is another mistake."""
    bare = expr.operand if isinstance(expr, Unary) else expr
    return isinstance(bare, Number) and abs(bare.value) == 1


def _named(expr: Expr) -> str:
    from tileops_spec.ir.show import show_expr

    return show_expr(expr)


def _dtypes(name: str, spec: Spec) -> tuple[str, ...]:
    """The dtypes that a name stands for."""
    return next((each.options for each in spec.dtypes if each.name == name), (name,))


def _narrower(declared: tuple[str, ...]) -> tuple[str, ...]:
    """The 16-bit accumulators that are a mistake where the mathematics accumulates in these dtypes."""
    return ("f16", "bf16") if declared and set(declared) <= {"f32", "f64"} else ()


def _is_float(node: Expr, spec: Spec) -> bool:
    return all(dtype[0] in "fbe" and dtype != "bool" for dtype in _dtypes(node.dtype, spec))
