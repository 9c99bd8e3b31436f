"""What the body is given: dims, params, optional inputs, tunables."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites


def wrong_dim(sites: Sites) -> Iterator[Edit]:
    """Another dim of the spec."""
    yield from _exchanged(sites, list(sites.names.dims))


def wrong_tunable(sites: Sites) -> Iterator[Edit]:
    """Another tunable whose candidates are of the same type."""
    kinds: dict[type, list[str]] = {}
    for name, candidates in sites.names.tunables.items():
        kinds.setdefault(type(candidates[0]), []).append(name)
    for names in kinds.values():
        yield from _exchanged(sites, names)


def _exchanged(sites: Sites, names: list[str]) -> Iterator[Edit]:
    for node in _loads(sites, names):
        if len(names) > 1:
            yield sites.replace(node, names[(names.index(node.id) + 1) % len(names)])


def _loads(sites: Sites, names) -> Iterator[ast.Name]:
    return (node for node in sites.of(ast.Name) if node.id in names and isinstance(node.ctx, ast.Load))


def ignored_tunable(sites: Sites) -> Iterator[Edit]:
    """The default candidate, or the last one, whatever was chosen."""
    for node in _loads(sites, sites.names.tunables):
        candidates = sites.names.tunables[node.id]
        yield sites.replace(node, repr(candidates[0]))
        if len(candidates) > 1:
            yield sites.replace(node, repr(candidates[-1]))


def ignored_param(sites: Sites) -> Iterator[Edit]:
    """Nothing, or one, for a number that the caller gives."""
    for node in _loads(sites, sites.names.params):
        yield sites.replace(node, "0.0")
        yield sites.replace(node, "1.0")


def ignored_flag(sites: Sites) -> Iterator[Edit]:
    """A truth value fixed: a mode that is not asked for, an optional input that is ignored or taken for given."""
    for node in _loads(sites, sites.names.flags):
        yield sites.replace(node, "True")
        yield sites.replace(node, "False")
