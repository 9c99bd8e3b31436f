"""Judgements as a matrix for people and as data for tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ...diagnostics.codes import CODES
from .judge import CRASH, Judgement

_REFERENCES = ("TS2", CRASH)


def lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    """A row a kind of error: how many were seeded, caught by lint, caught by the references, or not; then survivors."""
    rows = [("seeded error", "mutants", "by lint", "by references", "same meaning", "survived")]
    for kind in dict.fromkeys(each.mutant.kind for each in judgements):
        rows.append((kind, *_counts([each for each in judgements if each.mutant.kind == kind])))
    rows.append(("all", *_counts(judgements)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others)).rstrip()
    yield ""
    yield from _codes(judgements)
    yield ""
    yield conclusion(judgements)
    for each in survivors(judgements):
        yield f"  {each.op}, line {each.mutant.line}: {each.mutant.kind}: {each.mutant.change}"


def _counts(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    caught = [each for each in judgements if each.status == "caught"]
    by_references = sum(each.by.startswith(_REFERENCES) for each in caught)
    statuses = Counter(each.status for each in judgements)
    counts = (len(judgements), len(caught) - by_references, by_references, statuses["equivalent"], statuses["survived"])
    return tuple(map(str, counts))


def _codes(judgements: Sequence[Judgement]) -> Iterator[str]:
    """Which code caught how many, the most first."""
    found = Counter(each.by for each in judgements if each.status == "caught")
    for code, count in found.most_common():
        yield f"{count:6}  {code}  {CODES[code].name if code in CODES else 'the reference ends the process'}"


def survivors(judgements: Sequence[Judgement]) -> list[Judgement]:
    return [each for each in judgements if each.status == "survived"]


def share_caught(judgements: Sequence[Judgement]) -> float:
    """The part of the mutants of another meaning that some check catches; 1 where there are none."""
    different = [each for each in judgements if each.status != "equivalent"]
    return 1 - len(survivors(different)) / len(different) if different else 1.0


def conclusion(judgements: Sequence[Judgement]) -> str:
    different = sum(each.status != "equivalent" for each in judgements)
    caught = different - len(survivors(judgements))
    return f"{caught} of {different} mutants of another meaning are caught, {100 * share_caught(judgements):.1f} %"


def to_json(judgements: Sequence[Judgement]) -> dict[str, Any]:
    return {
        "caught": share_caught(judgements),
        "mutants": [
            {
                "op": each.op,
                "kind": each.mutant.kind,
                "line": each.mutant.line,
                "change": each.mutant.change,
                "status": each.status,
                "by": each.by,
            }
            for each in judgements
        ],
    }
