"""Which name of the old version is which of the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...analysis.renaming import rename
from ...ir.nodes import DimRef, Expr
from ...ir.spec import Spec
from ...ir.walk import children


@dataclass(frozen=True, slots=True)
class Versions:
    """Two versions of a spec. `was` is the old one under the new one's names; `names` holds those that changed.

    Sequences of `old` and `was` have one order, so that texts can be shown as they were.
    """

    old: Spec
    was: Spec
    new: Spec
    names: Mapping[str, str]

    def before(self, name: str) -> str:
        """What a name of `was` was called in `old`."""
        return next((old for old, new in self.names.items() if new == name), name)


def match_names(old: Spec, new: Spec) -> Versions:
    """The versions side by side: a name that is gone is the one that came up in its place."""
    names: dict[str, str] = {}
    for group in ("inputs", "outputs", "params"):
        names |= _by_place(_names(getattr(old, group)), _names(getattr(new, group)))
    variables = zip(old.dtypes, new.dtypes, strict=False)
    alike = {a.name: b.name for a, b in variables if a.options == b.options}
    names |= {a: b for a, b in _by_place(_names(old.dtypes), _names(new.dtypes)).items() if alike.get(a) == b}
    names |= _dims(old, new)
    before, after = _declared(old), _declared(new)
    names = {a: b for a, b in names.items() if b not in before and a not in after}
    return Versions(old, rename(old, names), new, names)


def _names(items: Sequence) -> list[str]:
    return [each.name for each in items]


def _declared(spec: Spec) -> set[str]:
    """Every name that means something in a spec, index variables apart."""
    groups = (spec.dtypes, spec.dims, spec.params, spec.inputs, spec.outputs)
    return {each.name for group in groups for each in group} | {each.target for each in spec.math}


def _by_place(old: list[str], new: list[str]) -> dict[str, str]:
    """Names that stand in one place of two lists, and nowhere else."""
    return {a: b for a, b in zip(old, new, strict=False) if a not in new and b not in old}


def _dims(old: Spec, new: Spec) -> dict[str, str]:
    """Dims by the shapes of the inputs: one that is gone, wherever it stood, for one that came up there."""
    found: dict[str, str] = {}
    gone = set(_names(old.dims)) - set(_names(new.dims))
    come = set(_names(new.dims)) - set(_names(old.dims))
    for before, after in zip(old.inputs, new.inputs, strict=False):
        if len(before.shape) != len(after.shape):
            continue
        for a, b in (pair for extents in zip(before.shape, after.shape, strict=True) for pair in _pairs(*extents)):
            if a in gone and b in come and found.setdefault(a, b) != b:
                return {}
    return found if len(set(found.values())) == len(found) else {}


def _pairs(a: Expr, b: Expr) -> Iterator[tuple[str, str]]:
    """The dims that stand in one place of two extents."""
    if isinstance(a, DimRef) and isinstance(b, DimRef):
        yield a.name, b.name
    for one, other in zip(children(a), children(b), strict=False):
        yield from _pairs(one, other)
