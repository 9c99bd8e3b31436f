"""TS403: the names that a body may use."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ...diagnostics.diagnostic import Diagnostic
from ...scaffold.naming import CPP_KEYWORDS
from ..allowlist import BUILTINS, TEACHING
from .source import Source


def check_names(source: Source) -> Iterator[Diagnostic]:
    """Each name that is neither the contract's, a tunable, the body's own, `T` nor a builtin: once, at its first place.

    Names of the contract and tunables stand for what the factory was called with: they are never assigned.
    """
    fixed = source.contract | source.tunables | {"T"}
    known = fixed | BUILTINS | _own(source) | ({"math"} if source.has_math else frozenset())
    reported: set[str] = set()
    for node in source.names:
        if node.id in reported:
            continue
        found = _fault(source, node, fixed, known)
        if found:
            reported.add(node.id)
            yield source.finding("TS403", node, *found)


def _own(source: Source) -> frozenset[str]:
    """What the body binds; definitions are refused for what they are, not for the names in them."""
    stored = {node.id for node in source.names if isinstance(node.ctx, ast.Store)}
    arguments = {node.arg for node in source.nodes if isinstance(node, ast.arg)}
    return frozenset(stored | arguments | {node.name for node in source.nodes if isinstance(node, ast.FunctionDef)})


def _fault(source: Source, node: ast.Name, fixed: frozenset[str], known: frozenset[str]) -> tuple[str, str] | None:
    """Message and help."""
    name = node.id
    if name.startswith("__") or (isinstance(node.ctx, ast.Load) and name not in known):
        return f"`{name}` is not in scope in a body", TEACHING.get(name) or _known_names(name, known)
    if isinstance(node.ctx, ast.Store) and name in fixed:
        owner = "a tunable" if name in source.tunables else "the contract's"
        return f"`{name}` is {owner} and cannot be assigned", "use a new name"
    if isinstance(node.ctx, ast.Store) and name in CPP_KEYWORDS:
        return f"`{name}` is a keyword of CUDA C++, where variables keep their names", f"call it `{name}_`"
    if name in ("T", "math") and name not in _own(source) and not isinstance(source.parents[node], ast.Attribute):
        return f"`{name}` stands alone", f"write the operation after it: `{name}.…`"
    return None


def _known_names(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean `{near[0]}`?" if near else f"in scope are {', '.join(sorted(set(known) - BUILTINS))}"
