"""Which features of a target a spec can use, each yes and each no with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..analysis.binding import dtype_options
from ..analysis.candidates import names_in
from ..analysis.classify import Contraction, Softmax, Structure, classify, reads
from ..ir.dtypes import DType
from ..ir.nodes import Axis
from ..ir.show import show_expr
from ..ir.spec import Spec
from .memory import Alignment, clauses_for, row_alignments
from .targets import Target


@dataclass(frozen=True, slots=True)
class Feature:
    """A fact about a spec on a target. `unlock` is a clause for `where` that would turn a no into a yes."""

    name: str
    present: bool
    reason: str
    unlock: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the predicates look at."""

    spec: Spec
    target: Target
    structure: Structure

    def options(self, dtype: str) -> tuple[DType, ...]:
        """The concrete dtypes that a name may stand for."""
        return dtype_options(self.spec, dtype)


def derive_features(spec: Spec, target: Target) -> tuple[Feature, ...]:
    """Every feature, present or not, in the order of FEATURES."""
    facts = Facts(spec, target, classify(spec))
    return tuple(predicate(facts) for predicate in FEATURES.values())


def _yes(name: str, reason: str) -> Feature:
    return Feature(name, True, reason)


def _no(name: str, reason: str, unlock: str | None = None) -> Feature:
    return Feature(name, False, reason, unlock)


# tensor cores and copies

_WGMMA = {"f16": ("f16", "f32"), "bf16": ("f32",), "e4m3": ("f32",), "e5m2": ("f32",), "i8": ("i32",), "u8": ("i32",)}
"""Operand dtypes of WGMMA, with the accumulators that it has for them."""


def _wgmma(facts: Facts) -> Feature:
    name, target = "wgmma", facts.target
    if name not in target.tokens:
        return _no(name, f"{target.name} has no WGMMA: it exists on sm_90a only")
    if not facts.structure.contractions:
        return _no(name, "there is no contraction: no sum over a product of two sides with axes of their own")
    contractions = _matrix_products(facts)
    obstacles = [_wgmma_obstacle(each, facts) for each in contractions]
    if any(obstacles):
        return _no(name, "; ".join(dict.fromkeys(filter(None, obstacles))))
    return _yes(name, "; ".join(_describe(each, facts) for each in contractions))


def _matrix_products(facts: Facts) -> tuple[Contraction, ...]:
    """The contractions; beside products of matrices, products with vectors do not count."""
    contractions = facts.structure.contractions
    return tuple(each for each in contractions if each.n) or contractions


def _wgmma_obstacle(each: Contraction, facts: Facts) -> str | None:
    """Why a contraction cannot run on WGMMA."""
    if not each.n:
        return f"{each.target} is a matrix-vector product: one side has no axis of its own"
    for side in (each.left, each.right):
        wrong = [dtype.name for dtype in facts.options(side.dtype) if dtype.name not in _WGMMA]
        if wrong:
            return f"{each.target} multiplies {side} in {wrong[0]}: a cast such as `f32(f16(x))` would allow 16 bits"
    if each.left.dtype != each.right.dtype and facts.options(each.left.dtype) != facts.options(each.right.dtype):
        return f"{each.target} multiplies {each.left.dtype} with {each.right.dtype}: both sides must have one dtype"
    allowed = set.intersection(*(set(_WGMMA[dtype.name]) for dtype in facts.options(each.left.dtype)))
    wrong = [dtype.name for dtype in facts.options(each.dtype) if dtype.name not in allowed]
    if wrong:
        wanted = " or ".join(sorted(allowed))
        return f"{each.target} accumulates in {wrong[0]}, WGMMA in {wanted}: cast the factors, as in `f32(A[…])`"
    return None


def _describe(each: Contraction, facts: Facts) -> str:
    """`C contracts A with B over k, operands T (f16, bf16), accumulator f32`."""
    dtype = each.left.dtype
    options = [option.name for option in facts.options(dtype)]
    shown = dtype if options == [dtype] else f"{dtype} ({', '.join(options)})"
    what = f"{each.target} contracts {each.left} with {each.right} over {_names(each.k)}"
    return f"{what}, operands {shown}, accumulator {each.dtype}"


def _names(axes: tuple[Axis, ...]) -> str:
    return ", ".join(axis.name for axis in axes)


def _tma(facts: Facts) -> Feature:
    name, target = "tma", facts.target
    if name not in target.tokens:
        return _no(name, f"{target.name} has no TMA: it exists from sm_90 on")
    bulk = _bulk_tensors(facts)
    rows = [row for row in row_alignments(facts.spec) if row.tensor in bulk and not row.sparse]
    if not rows:
        return _no(name, "no input of two or more axes is read tile by tile")
    return _aligned(name, rows, "rows start on 16-byte boundaries", allow_dynamic=False)


def _bulk_tensors(facts: Facts) -> set[str]:
    """The inputs worth copying by tile: what contractions multiply, else every input with rows."""
    inputs = {each.name for each in facts.spec.inputs if len(each.shape) >= 2}
    multiplied = {
        name for each in _matrix_products(facts) for side in (each.left, each.right) for name in reads(side.expr)
    }
    return inputs & multiplied or inputs


def _aligned(name: str, rows: list[Alignment], claim: str, *, allow_dynamic: bool) -> Feature:
    """Yes where every row qualifies; else the first obstacle, and the clauses that would remove all of them."""
    for row in rows:
        if row.obstacle:
            return _no(name, f"{row.tensor}: {row.obstacle}")
        if row.dynamic and not allow_dynamic:
            return _no(name, f"{row.tensor}: its innermost extent {show_expr(row.extent)} is dynamic; make it static")
    short = [row for row in rows if not row.proven]
    if short:
        clauses = clauses_for(short)
        tensors = ", ".join(row.tensor for row in short)
        reason = f"nothing proves that rows of {tensors} are a multiple of 16 bytes long"
        return _no(name, reason, " and ".join(clauses))
    proofs = clauses_for(rows)
    return _yes(name, f"{claim}: {', '.join(proofs)} follows from `where` ({', '.join(row.tensor for row in rows)})")


def _vectorized(facts: Facts) -> Feature:
    rows = row_alignments(facts.spec, outputs=True)
    rows = [row for row in rows if row.rank >= 2 and not row.sparse] or rows  # one number a row is no stream
    if not rows:
        return _no("vectorized", "no tensor has an axis")
    return _aligned("vectorized", rows, "16 bytes a thread", allow_dynamic=True)


def _pipeline(facts: Facts) -> Feature:
    loops = [each for each in facts.structure.contractions if each.n]
    if not loops:
        return _no("pipeline", "no product of matrices streams tiles through shared memory")
    where = ", ".join(f"{_names(each.k)} of {each.target}" for each in loops)
    return _yes("pipeline", f"tiles along {where} are loaded while earlier ones are multiplied")


# forms of the mathematics


def _online_softmax(facts: Facts) -> Feature:
    for softmax in facts.structure.softmaxes:
        axis = f"{softmax.axis.name} < {show_expr(softmax.axis.extent)}"
        if softmax.consumers:
            readers = ", ".join(softmax.consumers)
            return _yes("online-softmax", f"{readers} sums over the softmax axis ({axis}), so no row need be kept")
        if _is_dynamic(softmax.axis, facts.spec):
            return _yes("online-softmax", f"the softmax axis ({axis}) is dynamic: a row may not fit in registers")
    if facts.structure.softmaxes:
        return _no("online-softmax", "the softmax axis is static and its result is written: a row is held at once")
    return _no("online-softmax", "there is no softmax")


def _is_dynamic(axis: Axis, spec: Spec) -> bool:
    return bool(names_in(axis.extent) & {dim.name for dim in spec.dynamic_dims})


def _row_reduction(facts: Facts) -> Feature:
    found = [f"{each.function} over {_names(each.axes)} in {each.target}" for each in facts.structure.reductions]
    found += [
        f"softmax over {each.axis.name} in {each.target}" for each in facts.structure.softmaxes if not each.consumers
    ]
    found += [f"sum over {_names(each.k)} in {each.target}" for each in facts.structure.contractions if not each.n]
    if found:
        return _yes("row-reduction", "; ".join(found))
    if facts.structure.softmaxes:
        return _no("row-reduction", "the only reductions of rows are those of the online softmax")
    return _no("row-reduction", "nothing is reduced except by contraction")


def _dynamic_shape(facts: Facts) -> Feature:
    names = [dim.name for dim in facts.spec.dynamic_dims]
    if names:
        return _yes("dynamic-shape", f"{', '.join(names)}: one compiled kernel serves every extent")
    return _no("dynamic-shape", "every dim is static: a kernel is compiled for each shape")


def _causal_skip(facts: Facts) -> Feature:
    masked = [softmax for softmax in facts.structure.softmaxes if softmax.mask is not None]
    two_sided = [softmax for softmax in masked if _compares_positions(softmax)]
    if two_sided:
        condition = show_expr(two_sided[0].mask.condition)  # type: ignore[union-attr]
        return _yes("causal-skip", f"{two_sided[0].target} is masked where `{condition}`: such tiles need no work")
    if masked:
        return _no("causal-skip", "the mask does not compare two positions")
    return _no("causal-skip", "no softmax is masked by a comparison of index variables")


def _compares_positions(softmax: Softmax) -> bool:
    return softmax.mask is not None and len(softmax.mask.axes) >= 2


def _chained_contraction(facts: Facts) -> Feature:
    chains = facts.structure.chains
    if not chains:
        return _no("chained-contraction", "no contraction reads the result of another")
    shown = "; ".join(f"{second} multiplies what comes from {first}" for first, second in chains)
    return _yes("chained-contraction", f"{shown}, whose tiles can stay on chip")


def _broadcast_heads(facts: Facts) -> Feature:
    groups = facts.structure.groups
    sides = {name for each in facts.structure.contractions for side in (each.left, each.right) for name in side.tensors}
    shared = [group for group in groups if group.tensor in sides and _is_batch(group.index, facts.structure)]
    if not shared:
        return _no("broadcast-heads", "no operand of a contraction is shared by a group of batch indices `h // g`")
    shown = ", ".join(dict.fromkeys(f"{group.tensor} at `{show_expr(group.expr)}`" for group in shared))
    return _yes("broadcast-heads", f"{shown}: several {shared[0].index} read the same tiles")


def _is_batch(index: str, structure: Structure) -> bool:
    return any(index in {axis.name for axis in each.batch} for each in structure.contractions)


FEATURES: dict[str, Callable[[Facts], Feature]] = {
    "wgmma": _wgmma,
    "tma": _tma,
    "pipeline": _pipeline,
    "online-softmax": _online_softmax,
    "row-reduction": _row_reduction,
    "vectorized": _vectorized,
    "dynamic-shape": _dynamic_shape,
    "causal-skip": _causal_skip,
    "chained-contraction": _chained_contraction,
    "broadcast-heads": _broadcast_heads,
}
"""Every feature by name, with the predicate that derives it."""
