"""TS404: names of their own, with a few numbers or truth values each."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from ...diagnostics.text import SourceText, Span
from ...ir.spec import Spec
from ...scaffold.body import Body, Tunable
from ...scaffold.naming import all_names, dtype_parameter, factory_name, kernel_class, safe_name
from ...scaffold.regions import find_regions
from ..allowlist import BUILTINS

_MOST_CANDIDATES = 64
_COUNT_HELP = f"give from 1 to {_MOST_CANDIDATES}, the default first"


def check_tunables(spec: Spec, body: Body, kernel: SourceText) -> Iterator[Diagnostic]:
    """At most one finding a tunable, at its name in kernel.py's table."""
    names = [name for name, _ in body.tunables]
    taken = _taken(spec)
    for number, (name, candidates) in enumerate(body.tunables):
        found = _name_fault(name, taken, names[:number]) or _candidates_fault(name, candidates)
        if found:
            message, help_text = found
            yield Diagnostic(code="TS404", message=message, span=_span(name, kernel), help=help_text)


def _taken(spec: Spec) -> frozenset[str]:
    """What the factory and kernel.py around it call something else."""
    dtypes = {dtype_parameter(spec, variable.name) for variable in spec.dtypes}
    contract = {safe_name(name) for name in all_names(spec)} | dtypes
    return frozenset(contract | BUILTINS | {spec.op, factory_name(spec.op), kernel_class(spec.op)})


def _name_fault(name: str, taken: frozenset[str], above: list[str]) -> tuple[str, str] | None:
    if not name.isidentifier() or name.startswith("_"):
        return f"tunable `{name}` is not a name", "use names like `block_M`"
    if name in above:
        return f"tunable `{name}` stands twice", "put all its candidates into one list"
    if name in taken or safe_name(name) != name:
        return f"tunable `{name}` has the name of something in scope, or a word of Python", "choose another name"
    return None


def _candidates_fault(name: str, candidates: tuple[Tunable, ...]) -> tuple[str, str] | None:
    if not 1 <= len(candidates) <= _MOST_CANDIDATES:
        return f"tunable `{name}` has {len(candidates)} candidates", _COUNT_HELP
    wrong = [value for value in candidates if not _is_candidate(value)]
    if wrong:
        message = f"tunable `{name}` has the candidate {wrong[0]!r:.60}"
        return message, "candidates are integers, finite floats or booleans"
    return None


def _is_candidate(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _span(name: str, kernel: SourceText) -> Span:
    """The tunable's key in the table, and the whole table where it has none."""
    region = find_regions(kernel.text, kernel.path)["tunables"]
    start = kernel.text.find(f'"{name}"', region.start, region.end)
    return kernel.span(start, start + len(name) + 2) if start >= 0 else kernel.span(region.start, region.end)
