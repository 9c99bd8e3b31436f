"""The page that the experiment writes: by family, by mistake, by op, and every mistake that the bound lets through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .explained import explanation
from .faults import KINDS
from .trials import JUDGES, Outcome, Verdicts

HEADING = """# The tolerance, measured

Written by `python -m tests.experiments.tolerance --write`. Correct computations sum in every order, with GPU-like and
with library functions; each mistake is made at each place of the mathematics where it can be, on as many cases as the
emulate gate runs (12 for each choice of dtypes). `derived` is the bound of [tolerance](../tolerance.md); the fixed
tolerances are absolute and relative at once: TileOPs' (1e-3; 1.6e-2 for bf16), and 1e-2 as KernelBench and
FlashInfer-Bench have it. A mistake is *caught* where at least one of its cases is rejected; the share of rejected cases
stands behind it. Cases in which a mistake changes no bit of the outputs do not count; places where it never does are
*without effect*.
"""


def one_line(outcome: Outcome) -> str:
    correct = outcome.correct
    missed = [f"{fault.kind} at {fault.place}" for fault, found in outcome.faults if _is_missed(found)]
    alarm = f" {correct.example}" if correct.example else ""
    return (
        f"{outcome.op}: {outcome.seconds:.0f} s, lengths {outcome.lengths}, {correct.trials} trials, "
        f"rejected {tuple(correct.rejected.values())}; missed: {'; '.join(missed) or 'none'}{alarm}"
    )


def document(found: Sequence[Outcome], corpus: int) -> str:
    """The page; `corpus` is the number of ops that reduce, run or not."""
    parts = [HEADING, _summary(found, corpus), _by_kind(found), _by_family(found), _missed(found), _by_op(found)]
    return "\n".join(parts)


def _is_missed(found: Verdicts) -> bool:
    return found.trials > 0 and not found.rejected[JUDGES[0]]


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"## {title}", "", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows), ""])


def _summary(found: Sequence[Outcome], corpus: int) -> str:
    trials = sum(each.correct.trials for each in found)
    elements = sum(each.correct.elements for each in found)
    alarms = {judge: sum(each.correct.rejected[judge] for each in found) for judge in JUDGES}
    places = [verdicts for each in found for _, verdicts in each.faults]
    effective = [verdicts for verdicts in places if verdicts.trials]
    caught = {judge: sum(v.rejected[judge] > 0 for v in effective) for judge in JUDGES}
    return (
        f"{len(found)} of the {corpus} ops that reduce, {trials:,} correct computations, {elements:,} elements; "
        f"{len(places)} places of mistakes, "
        f"{len(effective)} with an effect.\n\n"
        + _table(
            "Summary",
            ("", *JUDGES),
            (
                ("false alarms (computations)", *alarms.values()),
                ("ops with a false alarm", *(sum(e.correct.rejected[j] > 0 for e in found) for j in JUDGES)),
                ("places of mistakes caught", *(f"{n} of {len(effective)}" for n in caught.values())),
            ),
        )
    )


def _counts(verdicts: Sequence[Verdicts]) -> list[str]:
    """For each judge: places caught, and the share of cases rejected."""
    effective = [each for each in verdicts if each.trials]
    trials = sum(each.trials for each in effective)
    cells = []
    for judge in JUDGES:
        caught = sum(each.rejected[judge] > 0 for each in effective)
        share = sum(each.rejected[judge] for each in effective) / trials if trials else 0.0
        cells.append(f"{caught} of {len(effective)} ({share:.0%})" if effective else "–")
    return cells


def _by_kind(found: Sequence[Outcome]) -> str:
    kinds: dict[str, list[Verdicts]] = {kind: [] for kind in KINDS}
    for each in found:
        for fault, verdicts in each.faults:
            kinds[fault.kind].append(verdicts)
    header = ("mistake", "places", "without effect", *(f"caught: {judge}" for judge in JUDGES))
    rows = ((kind, len(v), sum(not each.trials for each in v), *_counts(v)) for kind, v in kinds.items())
    return _table("By mistake", header, rows)


def _by_family(found: Sequence[Outcome]) -> str:
    families: dict[str, list[Outcome]] = defaultdict(list)
    for each in found:
        families[each.family or "–"].append(each)
    header = ("family", "ops", "trials", *(f"false alarms: {j}" for j in JUDGES), *(f"caught: {j}" for j in JUDGES))
    rows = []
    for family, members in sorted(families.items()):
        alarms = [sum(each.correct.rejected[judge] for each in members) for judge in JUDGES]
        places = [verdicts for each in members for _, verdicts in each.faults]
        rows.append((family, len(members), sum(e.correct.trials for e in members), *alarms, *_counts(places)))
    return _table("By family", header, rows)


def _missed(found: Sequence[Outcome]) -> str:
    header = ("op", "mistake", "place", "cases", *(f"rejected: {judge}" for judge in JUDGES), "why")
    rows = [
        (each.op, fault.kind, f"`{fault.place}`", v.trials, *v.rejected.values(), explanation(each.op, fault))
        for each in found
        for fault, v in each.faults
        if _is_missed(v)
    ]
    return _table("What the bound lets through", header, rows)


def _by_op(found: Sequence[Outcome]) -> str:
    header = ("op", "longest reduction", "trials", *(f"false alarms: {j}" for j in JUDGES), *KINDS)
    rows = []
    for each in found:
        alarms = each.correct.rejected.values()
        cells = (_cell([v for fault, v in each.faults if fault.kind == kind]) for kind in KINDS)
        rows.append((each.op, "{}–{}".format(*each.lengths), each.correct.trials, *alarms, *cells))
    note = "Behind each mistake: places caught by the derived bound, of those with an effect; share of cases rejected."
    return f"{_table('By op', header, rows)}\n{note}\n"


def _cell(verdicts: Sequence[Verdicts]) -> str:
    if not verdicts:
        return ""
    return _counts(verdicts)[0] if any(each.trials for each in verdicts) else "no effect"
