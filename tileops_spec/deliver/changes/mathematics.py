"""Changes of what is computed: statements, their casts, dtypes and numbers; apart from them, mere names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from ...analysis.canonical import Canon, Meanings
from ...ir.show import show_definition
from ...ir.spec import Definition, Spec
from .levels import Change, Level
from .names import Versions


def math_changes(versions: Versions) -> Iterator[Change]:
    """One change a statement. Where the outputs are computed as before, all are cosmetic."""
    pairing = _pair(versions)
    level = Level.COSMETIC if pairing.same_outputs else Level.NUMERICS
    texts = {id(was): show_definition(old) for was, old in zip(versions.was.math, versions.old.math, strict=True)}
    for was, new in pairing.statements():
        old = texts[id(was)] if was is not None else None
        now = show_definition(new) if new is not None else None
        if was is None or new is None:
            only = was or new
            assert only is not None
            yield Change(Level.NUMERICS if only.is_output else level, f"math {only.target}", old, now)
        elif not pairing.same(was, new):
            if show_definition(was) == now and pairing.respect(was, new) == "dtypes":
                continue  # it follows from the dtype of what it reads, which is a change of its own
            yield Change(level, f"math {was.target}", old, now, pairing.respect(was, new))
        elif show_definition(was) != now:
            yield Change(Level.COSMETIC, f"math {was.target}", old, now, "names, or the order of operands")
    if pairing.same_outputs and pairing.moved():
        yield Change(Level.COSMETIC, "math", None, None, "the order of statements")


@dataclass(frozen=True, slots=True)
class _Pairing:
    """`locals` maps the old version's locals to the new one's; `meanings` are those that changed nothing."""

    was: Spec
    new: Spec
    locals: Mapping[str, str]
    unchanged: frozenset[str]
    same_outputs: bool

    def statements(self) -> Iterator[tuple[Definition | None, Definition | None]]:
        """The statements of each name side by side, in the old order, then what is new."""
        before, after = _by_target(self.was), _by_target(self.new)
        paired = {self.locals.get(name, name) for name in before}
        for name, definitions in before.items():
            yield from zip_longest(definitions, after.get(self.locals.get(name, name), []))
        for name, definitions in after.items():
            if name not in paired:
                yield from ((None, definition) for definition in definitions)

    def same(self, was: Definition, new: Definition) -> bool:
        """Whether two statements say the same of the names that they read."""
        return was.target in self.unchanged or self._forms(was, new)

    def respect(self, was: Definition, new: Definition) -> str:
        """What differs: the least that, left out of sight, makes the statements equal."""
        if self._forms(was, new, casts=False, dtypes=False):
            return "casts" if not self._forms(was, new, dtypes=False) else "dtypes"
        if self._forms(was, new, numbers=False):
            return "constants"
        return "mathematics"

    def _forms(self, was: Definition, new: Definition, **kept: bool) -> bool:
        before = Canon(tensor=lambda name: self.locals.get(name, name), **kept).definition(was)
        return before == Canon(**kept).definition(new)

    def moved(self) -> bool:
        order = [self.locals.get(each.target, each.target) for each in self.was.math]
        return sorted(order) == sorted(each.target for each in self.new.math) and order != [
            each.target for each in self.new.math
        ]


def _pair(versions: Versions) -> _Pairing:
    """Locals that compute the same are one another's, whatever their names; then those of one name; then by order."""
    was, new = versions.was, versions.new
    before, after = (_meanings(spec) for spec in (was, new))
    inner = {name: meaning for name, meaning in before.items() if name not in _outputs(was)}
    outer = {name: meaning for name, meaning in after.items() if name not in _outputs(new)}
    found: dict[str, str] = {}

    def take(name: str, other: str) -> None:
        if name not in found and other in outer and other not in found.values():
            found[name] = other

    for name in inner:
        if outer.get(name) == inner[name]:
            take(name, name)
    for name, meaning in inner.items():
        for other in outer:
            if outer[other] == meaning:
                take(name, other)
    for name in inner:
        take(name, name)
    rest = [name for name in outer if name not in found.values()]
    for name, other in zip([name for name in inner if name not in found], rest, strict=False):
        take(name, other)
    shared = _outputs(was) & _outputs(new)
    unchanged = {name for name in before if after.get(found.get(name, name)) == before[name]}
    return _Pairing(was, new, found, frozenset(unchanged), shared <= unchanged)


def _meanings(spec: Spec) -> dict[str, str]:
    meanings = Meanings(spec)
    return {name: meanings.of(name) for name in _by_target(spec)}


def _outputs(spec: Spec) -> set[str]:
    return {each.name for each in spec.outputs}


def _by_target(spec: Spec) -> dict[str, list[Definition]]:
    found: dict[str, list[Definition]] = {}
    for definition in spec.math:
        found.setdefault(definition.target, []).append(definition)
    return found
