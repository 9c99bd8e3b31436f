"""How tiles and elements can travel: bulk copies, asynchronous copies, whole vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..analysis.classify import Contraction, reads
from ..analysis.operands import layout_of
from ..ir.show import show_expr
from .facts import Facts, Feature, no, yes
from .memory import Row
from .unlock import stated, unlocked

_NO_TILES = "no input of two or more axes is read tile by tile"


def tma(facts: Facts) -> Feature:
    """One thread has the tensor memory accelerator copy a whole tile."""
    if "tma" not in facts.target.units:
        return no("tma", f"{facts.target.name} has no TMA: it exists from sm_90 on")
    rows = _tiles(facts)
    if not rows:
        return no("tma", _NO_TILES)
    changing = next((row for row in rows if row.dynamic and not row.obstacle), None)
    if changing is not None and not any(row.obstacle for row in rows):
        extent = show_expr(changing.extent)
        return no("tma", f"{changing.tensor}: its innermost extent {extent} is dynamic; make it static")
    return _whole("tma", rows, facts, "rows start on 16-byte boundaries", tma)


def cp_async(facts: Facts) -> Feature:
    """Threads copy 16 bytes each into shared memory, past the registers, and go on."""
    rows = _tiles(facts)
    if not rows:
        return no("cp-async", _NO_TILES)
    return _whole("cp-async", rows, facts, "16 bytes a copy", cp_async)


def vectorized(facts: Facts) -> Feature:
    """A thread loads or stores 16 bytes at once."""
    every = facts.known.rows
    rows = [row for row in every if row.rank >= 2 and not row.sparse] or every  # one number a row is no stream
    if not rows:
        return no("vectorized", "no tensor has an axis")
    return _whole("vectorized", rows, facts, "16 bytes a thread", vectorized)


def cluster(facts: Facts) -> Feature:
    """Neighbouring blocks share what one of them loads."""
    if "cluster" not in facts.target.units:
        return no("cluster", f"{facts.target.name} has no clusters of blocks: they exist from sm_90 on")
    products = [each for each in facts.known.products if each.n]
    if not products:
        return no("cluster", "no product of matrices has tiles that neighbouring blocks share")
    copies = tma(facts)
    if not copies.present:
        return Feature("cluster", False, f"tiles are shared by TMA: {copies.reason}", *_way(copies))
    shown = [line for each in products for line in _shared_tiles(each, facts)]
    if not shown:
        return no("cluster", "no operand that blocks could share is read from memory as it is")
    return yes("cluster", f"{'; '.join(shown)}: one load can bring it to all of them")


def _shared_tiles(each: Contraction, facts: Facts) -> Iterator[str]:
    """Which blocks read the same tiles of inputs; axes that another product sums over run inside of a block."""
    inside = {axis.name for other in facts.known.products for axis in other.k}
    for side, across in ((each.right, each.m), (each.left, each.n)):
        along = [axis.name for axis in across if axis.name not in inside]
        if along and layout_of(each, side, facts.spec).tensor:
            yield f"blocks of {each.target} along {', '.join(along)} read the same {side}"


def _way(feature: Feature) -> tuple[str | None, str | None, tuple[str, ...]]:
    return feature.unlock, feature.proof, feature.refused


def _tiles(facts: Facts) -> list[Row]:
    """The rows of inputs worth copying by tile: what contractions multiply, else every input with rows."""
    inputs = [row for row in facts.known.rows if row.is_input and row.rank >= 2]
    sides = [side for each in facts.known.products for side in (each.left, each.right)]
    multiplied = {name for side in sides for name in reads(side.expr)}
    chosen = [row for row in inputs if row.tensor in multiplied] or inputs
    return [row for row in chosen if not row.sparse]


def _whole(name: str, rows: Sequence[Row], facts: Facts, claim: str, derive: Callable[[Facts], Feature]) -> Feature:
    """Yes where every row is whole vectors; else the first obstacle, or the clauses that would remove all of them."""
    for row in rows:
        if row.obstacle:
            return no(name, f"{row.tensor}: {row.obstacle}")
    short = [row for row in rows if not row.is_whole(facts.where)]
    if not short:
        tensors = ", ".join(dict.fromkeys(row.tensor for row in rows))
        why = f"{stated(rows)} follows from `where`" if stated(rows) else "every extent is a fixed number"
        return yes(name, f"{claim}: {why} ({tensors})")
    tensors = ", ".join(dict.fromkeys(row.tensor for row in short))
    found = no(name, f"nothing proves that rows of {tensors} are a multiple of 16 bytes long")
    return found if facts.is_trial else unlocked(found, short, facts, derive)
