"""Features that follow from the form of the mathematics."""

from __future__ import annotations

from ..analysis.candidates import names_in
from ..analysis.classify import Softmax, Structure
from ..ir.nodes import Axis
from ..ir.show import show_expr
from ..ir.spec import Spec
from .facts import Facts, Feature, names, no, yes


def pipeline(facts: Facts) -> Feature:
    """Tiles are loaded while earlier ones are multiplied."""
    loops = [each for each in facts.structure.contractions if each.n]
    if not loops:
        return no("pipeline", "no product of matrices streams tiles through shared memory")
    where = ", ".join(f"{names(each.k)} of {each.target}" for each in loops)
    return yes("pipeline", f"tiles along {where} are loaded while earlier ones are multiplied")


def online_softmax(facts: Facts) -> Feature:
    """A softmax is updated tile by tile, so that no row of it is kept."""
    for softmax in facts.structure.softmaxes:
        axis = f"{softmax.axis.name} < {show_expr(softmax.axis.extent)}"
        if softmax.consumers:
            readers = ", ".join(softmax.consumers)
            return yes("online-softmax", f"{readers} sums over the softmax axis ({axis}), so no row need be kept")
        if _is_dynamic(softmax.axis, facts.spec):
            return yes("online-softmax", f"the softmax axis ({axis}) is dynamic: a row may not fit in registers")
    if facts.structure.softmaxes:
        return no("online-softmax", "the softmax axis is static and its result is written: a row is held at once")
    return no("online-softmax", "there is no softmax")


def _is_dynamic(axis: Axis, spec: Spec) -> bool:
    return bool(names_in(axis.extent) & {dim.name for dim in spec.dynamic_dims})


def row_reduction(facts: Facts) -> Feature:
    """Threads combine what they found of a row."""
    found = [f"{each.function} over {names(each.axes)} in {each.target}" for each in facts.structure.reductions]
    found += [
        f"softmax over {each.axis.name} in {each.target}" for each in facts.structure.softmaxes if not each.consumers
    ]
    found += [f"sum over {names(each.k)} in {each.target}" for each in facts.structure.contractions if not each.n]
    if found:
        return yes("row-reduction", "; ".join(found))
    if facts.structure.softmaxes:
        return no("row-reduction", "the only reductions of rows are those of the online softmax")
    return no("row-reduction", "nothing is reduced except by contraction")


def dynamic_shape(facts: Facts) -> Feature:
    """One compiled kernel serves every extent."""
    names = [dim.name for dim in facts.spec.dynamic_dims]
    if names:
        return yes("dynamic-shape", f"{', '.join(names)}: one compiled kernel serves every extent")
    return no("dynamic-shape", "every dim is static: a kernel is compiled for each shape")


def causal_skip(facts: Facts) -> Feature:
    """Tiles that are masked as a whole are left out."""
    masked = [softmax for softmax in facts.structure.softmaxes if softmax.mask is not None]
    two_sided = [softmax for softmax in masked if _compares_positions(softmax)]
    if two_sided:
        condition = show_expr(two_sided[0].mask.condition)  # type: ignore[union-attr]
        return yes("causal-skip", f"{two_sided[0].target} is masked where `{condition}`: such tiles need no work")
    if masked:
        return no("causal-skip", "the mask does not compare two positions")
    return no("causal-skip", "no softmax is masked by a comparison of index variables")


def _compares_positions(softmax: Softmax) -> bool:
    return softmax.mask is not None and len(softmax.mask.axes) >= 2


def chained_contraction(facts: Facts) -> Feature:
    """The result of a product is multiplied again before it leaves the chip."""
    chains = facts.structure.chains
    if not chains:
        return no("chained-contraction", "no contraction reads the result of another")
    shown = "; ".join(f"{second} multiplies what comes from {first}" for first, second in chains)
    return yes("chained-contraction", f"{shown}, whose tiles can stay on chip")


def broadcast_heads(facts: Facts) -> Feature:
    """Several heads read the same tiles."""
    groups = facts.structure.groups
    sides = {name for each in facts.structure.contractions for side in (each.left, each.right) for name in side.tensors}
    shared = [group for group in groups if group.tensor in sides and _is_batch(group.index, facts.structure)]
    if not shared:
        return no("broadcast-heads", "no operand of a contraction is shared by a group of batch indices `h // g`")
    shown = ", ".join(dict.fromkeys(f"{group.tensor} at `{show_expr(group.expr)}`" for group in shared))
    return yes("broadcast-heads", f"{shown}: several {shared[0].index} read the same tiles")


def _is_batch(index: str, structure: Structure) -> bool:
    return any(index in {axis.name for axis in each.batch} for each in structure.contractions)
