"""Changes of what is measured, of what the spec is checked with, and of what only people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...hardware import TARGETS, derive_features
from ...ir.spec import Workload
from .levels import Change, Level
from .names import Versions


def other_changes(versions: Versions) -> Iterator[Change]:
    """Hardware, features, workloads, references, the tolerance, and the words."""
    yield from _hardware(versions)
    yield from _features(versions)
    yield from _workloads(versions)
    yield from _references(versions)
    yield from _tolerance(versions)
    for key in ("summary", "family", "status"):
        old, new = getattr(versions.old, key), getattr(versions.new, key)
        if old != new:
            yield Change(Level.COSMETIC, key, old or None, new or None)


def constant_changes(versions: Versions, reached: Level) -> Iterator[Change]:
    """Named numbers. They are put in place: what they reach shows elsewhere, `reached` is the highest class of it."""
    old, new = ({each.name: each.value for each in spec.constants} for spec in (versions.was, versions.new))
    for name in dict.fromkeys((*old, *new)):
        before, after = (repr(table[name]) if name in table else None for table in (old, new))
        if before != after:
            level = reached if before is not None and after is not None else Level.COSMETIC
            yield Change(level, f"constant {name}", before, after)


def _hardware(versions: Versions) -> Iterator[Change]:
    for key in ("targets", "require"):
        old, new = (getattr(spec.hardware, key) for spec in (versions.old, versions.new))
        if old != new:
            yield Change(Level.PERFORMANCE, f"hardware {key}", ", ".join(old) or None, ", ".join(new) or None)


def _features(versions: Versions) -> Iterator[Change]:
    """What the first target can do for the spec, where both versions name it."""
    old, new = versions.old, versions.new
    name = new.hardware.targets[0]
    if name not in TARGETS or old.hardware.targets[0] != name or not (old.math and new.math):
        return
    before = {each.name: each for each in derive_features(old, TARGETS[name])}
    for feature in derive_features(new, TARGETS[name]):
        was = before[feature.name]
        if was.present != feature.present:
            words = ("yes", "no") if was.present else ("no", "yes")
            yield Change(Level.PERFORMANCE, f"feature {feature.name} on {name}", *words, feature.reason)


def _workloads(versions: Versions) -> Iterator[Change]:
    old, new = ({each.name: each for each in spec.workloads} for spec in (versions.was, versions.new))
    for name in dict.fromkeys((*old, *new)):
        before, after = (_values(table[name]) if name in table else None for table in (old, new))
        if before is None or after is None or sorted(before) != sorted(after):
            texts = (None if values is None else ", ".join(values) for values in (before, after))
            yield Change(Level.PERFORMANCE, f"workload {name}", *texts)
    kept, order = [name for name in old if name in new], [name for name in new if name in old]
    if kept != order:
        yield Change(Level.COSMETIC, "workloads", ", ".join(kept), ", ".join(order), "order")


def _values(workload: Workload) -> Sequence[str]:
    return [f"{name} = {_show(value)}" for name, value in workload.values]


def _show(value: object) -> str:
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _tolerance(versions: Versions) -> Iterator[Change]:
    """How far kernels may stray; another reason for the same factor is words alone."""
    old, new = versions.old.tolerance, versions.new.tolerance
    if old != new:
        same = old is not None and new is not None and old.factor == new.factor
        texts = (None if each is None else str(each) for each in (old, new))
        yield Change(Level.COSMETIC if same else Level.NUMERICS, "tolerance", *texts)


def _references(versions: Versions) -> Iterator[Change]:
    """They are the baselines that kernels are timed against; without mathematics they are what is computed."""
    level = Level.PERFORMANCE if versions.new.math else Level.NUMERICS
    old, new = ({each.library: each.expression for each in spec.references} for spec in (versions.old, versions.new))
    for library in dict.fromkeys((*old, *new)):
        before, after = old.get(library), new.get(library)
        if before is None or after is None or before.split() != after.split():
            yield Change(level, f"reference {library}", before, after)
