"""Tuning plans and measured rows as lines and as JSON data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...tune.plan import WorkloadPlan
from ...tune.shortlist import RULES, Judged
from ...tune.space import show
from ..explain import shape_text, table_lines
from .planned import Tuning
from .timed import Row

VERSION = 1
_WORDS = {
    "does not build": "do not build",
    "same kernel": "come to the same kernel as another",
    "threads": "have too many threads",
    "shared memory": "do not fit into shared memory",
    "registers": "spill registers",
    "larger than the problem": "have tiles twice the problem",
    "rank": "rank below",
}


def plan_lines(tuning: Tuning) -> Iterator[str]:
    """The page of `tune --dry-run`."""
    request = tuning.request
    yield f"{tuning.spec.op} on {request.target.name} ({request.device.name})"
    yield "  tunables  " + ", ".join(f"{name} {values}" for name, values in _authors(tuning))
    for plan in tuning.plans:
        yield ""
        yield f"{_heading(plan)}"
        found = plan.shortlist
        drops = [f"{found.dropped[rule]} {_WORDS[rule]}" for rule in RULES if found.dropped[rule]]
        yield f"  {found.candidates} candidates: {', '.join((*drops, f'{len(found.chosen)} to be timed'))}"
        rows = [("configuration", "shared", "registers", "fits", "blocks/SM", "waves", "predicted", "bound")]
        rows += [_cells(each) for each in found.chosen]
        yield from (f"  {line}" for line in table_lines(rows))
        refused = [each for each in found.chosen if each.rule is not None]
        yield from (f"  {show(each.configuration)} is the default, but {each.reason}" for each in refused)


def _authors(tuning: Tuning) -> Iterator[tuple[str, str]]:
    for name, values in tuning.request.tunables:
        yield name, f"({', '.join(map(str, values))})"


def _heading(plan: WorkloadPlan) -> str:
    values = {name: list(each) if isinstance(each, tuple) else each for name, each in plan.workload.values}
    return f"{plan.workload.name}: {shape_text(values)}{_dtypes(plan.binding.dtypes)}"


def _dtypes(dtypes: Mapping[str, str]) -> str:
    return "".join(f", {name}={dtype}" for name, dtype in dtypes.items())


def _cells(each: Judged) -> tuple[str, ...]:
    if each.assessment is None or each.estimate is None:
        return (show(each.configuration), *("?",) * 6, each.reason)
    shared, registers, room = (each.assessment[name] for name in ("shared", "registers", "occupancy"))
    exact = shared["least"] == shared["most"]
    size = f"{shared['least']} B" if exact else f"{shared['least']}–{shared['most']} B"
    return (
        show(each.configuration),
        size,
        str(registers["used"]),
        "yes" if exact and registers["answer"] == "fits" else "unknown",
        f"{room['blocks']} ({room['bound']})",
        f"{each.estimate['waves']:.2f}",
        f"{each.estimate['seconds'] * 1e6:.4g} µs",
        each.estimate["bound"],
    )


def plan_json(tuning: Tuning) -> dict[str, Any]:
    """The same as data; docs/tunables.md names the keys."""
    return {
        "version": VERSION,
        "op": tuning.spec.op,
        "target": tuning.request.target.name,
        "device": tuning.request.device.key,
        "tunables": {name: list(values) for name, values in tuning.request.tunables},
        "workloads": [_workload_json(plan) for plan in tuning.plans],
    }


def _workload_json(plan: WorkloadPlan) -> dict[str, Any]:
    found = plan.shortlist
    return {
        "name": plan.workload.name,
        "values": {name: list(each) if isinstance(each, tuple) else each for name, each in plan.workload.values},
        "dtypes": dict(plan.binding.dtypes),
        "candidates": found.candidates,
        "dropped": dict(found.dropped),
        "shortlist": [_judged_json(each) for each in found.chosen],
        "kernels": [_judged_json(each) for each in found.kernels],
    }


def _judged_json(each: Judged) -> dict[str, Any]:
    model = {key: value for key, value in (each.assessment or {}).items() if key != "workloads"}
    return {
        "configuration": each.configuration,
        "same_as": list(each.others),
        "rule": each.rule,
        "reason": each.reason,
        **model,
        "estimate": each.estimate,
    }


def row_lines(rows: Sequence[Row]) -> Iterator[str]:
    """What was timed: a table a workload, the fastest first."""
    for row in rows:
        yield f"{row.workload}{_dtypes(row.dtypes)}: {len(row.timed)} of {row.candidates} candidates timed"
        cells = [("configuration", "ms", "10% … 90%", "")]
        cells += [
            (
                show(each.configuration),
                f"{each.median_ms:.4f}" if each.median_ms is not None else "–",
                f"{each.p10_ms:.4f} … {each.p90_ms:.4f}" if each.median_ms is not None else each.failed or "",
                "default" if each.configuration == row.default else "",
            )
            for each in row.timed
        ]
        yield from (f"  {line}" for line in table_lines(cells))
        if row.gain is not None:
            yield f"  best: {show(row.best.configuration)}, {row.gain:.3f}× the default's speed"
        yield ""
