"""Changes of what callers see: names, order, dtypes, shapes, params; and of which dims are compiled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from ...analysis.canonical import Canon
from ...ir.nodes import Expr
from ...ir.show import show_param, show_tensor
from ...ir.spec import Dim, Param, Spec, TensorDecl
from .levels import Change, Level
from .names import Versions


def signature_changes(versions: Versions) -> Iterator[Change]:
    """Every change of the op's name, dtypes, dims, inputs, params and outputs."""
    if versions.old.op != versions.new.op:
        yield Change(Level.API, "op", versions.old.op, versions.new.op)
    yield from _dtypes(versions)
    yield from _dims(versions)
    yield from _members(versions, "inputs", "input")
    yield from _members(versions, "params", "param")
    yield from _members(versions, "outputs", "output")
    yield from _in_place(versions)


def _dtypes(versions: Versions) -> Iterator[Change]:
    """Dtype variables; what callers see of them is which combinations they may pass."""
    before, after = ({each.name: each for each in spec.dtypes} for spec in (versions.was, versions.new))
    for name in dict.fromkeys((*before, *after)):
        old, new = (" | ".join(table[name].options) if name in table else None for table in (before, after))
        if old is None or new is None:
            yield Change(Level.API, f"dtype {name}", old, new)
        elif set(before[name].options) != set(after[name].options):
            wider = set(before[name].options) < set(after[name].options)
            note = "more to choose from" if wider else "fewer to choose from or other ones"
            yield Change(Level.API, f"dtype {name}", old, new, note, compatible=wider)
        elif old != new:
            yield Change(Level.COSMETIC, f"dtype {name}", old, new, "order")
        if name in after and versions.before(name) != name:
            yield Change(Level.COSMETIC, "dtype", versions.before(name), name, "name")
    yield from _combinations(versions)


def _combinations(versions: Versions) -> Iterator[Change]:
    old, new = ({group.names: group.rows for group in spec.dtype_groups} for spec in (versions.was, versions.new))
    for names in dict.fromkeys((*old, *new)):
        rows, others = set(old.get(names, ())), set(new.get(names, ()))
        if rows != others:
            shown = (_rows(table[names]) if names in table else None for table in (old, new))
            wider = names in old and (rows < others or names not in new)
            yield Change(Level.API, f"dtypes {', '.join(names)}", *shown, "combinations", compatible=wider)


def _rows(rows: Sequence[tuple[str, ...]]) -> str:
    return " | ".join(f"({', '.join(row)})" for row in rows)


def _dims(versions: Versions) -> Iterator[Change]:
    before, after = ({dim.name: dim for dim in spec.dims} for spec in (versions.was, versions.new))
    for name, dim in after.items():
        if name not in before:
            continue
        old = before[name]
        if (old.dynamic, old.spread) != (dim.dynamic, dim.spread):
            level = Level.API if old.spread != dim.spread else Level.PERFORMANCE
            yield Change(level, f"dim {name}", _kind(old), _kind(dim))
        if versions.before(name) != name:
            level, note = (Level.COSMETIC, "name") if dim.dynamic else (Level.API, "name: an argument of the kernel")
            yield Change(level, "dim", versions.before(name), name, note)


def _kind(dim: Dim) -> str:
    return "a group of axes" if dim.spread else "dynamic" if dim.dynamic else "static"


def _members(versions: Versions, group: str, what: str) -> Iterator[Change]:
    """Tensors or params that came, went, changed, or moved."""
    was, new = (list(getattr(spec, group)) for spec in (versions.was, versions.new))
    shown = {each.name: _show(old, versions.old) for each, old in zip(was, getattr(versions.old, group), strict=True)}
    before, after = ({each.name: each for each in items} for items in (was, new))
    for name, each in before.items():
        if name not in after:
            yield Change(Level.API, what, shown[name], None, "removed")
        elif respects := ", ".join(_respects(each, after[name], versions)):
            now = _show(after[name], versions.new)
            yield Change(Level.API, f"{what} {versions.before(name)}", shown[name], now, respects)
    for at, each in enumerate(new):
        if each.name not in before:
            free = what != "output" and each.default is not None and at >= len(was)
            note = "added; it may be left out" if free else "added"
            yield Change(Level.API, what, None, _show(each, versions.new), note, compatible=free)
    kept = [name for name in before if name in after]
    order = [name for name in after if name in before]
    if kept != order:
        yield Change(Level.API, f"{what}s", ", ".join(kept), ", ".join(order), "order")


def _show(each: TensorDecl | Param, spec: Spec) -> str:
    return show_tensor(each, spec) if isinstance(each, TensorDecl) else show_param(each)


def _respects(was: TensorDecl | Param, new: TensorDecl | Param, versions: Versions) -> Iterator[str]:
    """In which ways a member of the signature differs."""
    if versions.before(new.name) != new.name:
        yield "name"
    if was.dtype != new.dtype:
        yield "dtype"
    if isinstance(was, TensorDecl) and isinstance(new, TensorDecl) and was.shape != new.shape:
        yield "shape"
    yield from _default_respect(was.default, new.default)


def _default_respect(was: Expr | None, new: Expr | None) -> Iterator[str]:
    if was is not None and new is not None:
        canon = Canon()
        if canon.expr(was, {}) != canon.expr(new, {}):
            yield "default"
    elif (was is None) != (new is None):
        yield "may be left out" if was is None else "may no longer be left out"


def _in_place(versions: Versions) -> Iterator[Change]:
    was, new = versions.was.in_place, versions.new.in_place
    shared = set(chain(was, new)) & {each.name for each in versions.was.inputs}
    for name in sorted(shared):
        if (name in was) != (name in new):
            words = ("updated in place", "only read")
            old, now = words if name in was else words[::-1]
            yield Change(Level.API, f"input {name}", old, now)
