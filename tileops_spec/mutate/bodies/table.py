"""Judgements of body mutants as a matrix for people and as data for tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ...diagnostics.codes import CODES
from .judge import Judgement

_HEAD = ("seeded error", "mutants", "static", "lower", "emulate", "same program", "same bits", "survived", "peers")


def lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    """A row a kind: how many each gate killed, how many are the same, how many survive; how many of the killed a test
    with one shape and fixed tolerances sees. Then the codes, and what was not killed."""
    kinds = sorted({each.mutant.kind for each in judgements})
    rows = [_HEAD, *((kind, *_counts([e for e in judgements if e.mutant.kind == kind])) for kind in kinds)]
    rows.append(("all", *_counts(judgements)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells)).rstrip()
    yield ""
    for (gate, code), count in Counter((e.gate, e.code) for e in _killed(judgements)).most_common():
        yield f"{count:6}  {gate:8} {code}  {CODES[code].name}"
    yield ""
    yield conclusion(judgements)
    for each in survivors(judgements):
        yield f"  {each.op}, line {each.mutant.line} of the body: {each.mutant.kind}: {each.mutant.change} ({each.by})"


def _counts(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    gates = Counter(each.gate for each in judgements)
    statuses = Counter(each.status for each in judgements)
    counts = (
        *(len(judgements), gates["static"], gates["lower"], gates["emulate"]),
        *(statuses["equivalent"], statuses["presumed"], statuses["survived"]),
        sum(each.peers for each in _killed(judgements)),
    )
    return tuple(map(str, counts))


def _killed(judgements: Sequence[Judgement]) -> list[Judgement]:
    return [each for each in judgements if each.status == "killed"]


def survivors(judgements: Sequence[Judgement]) -> list[Judgement]:
    """What no gate killed and nothing shows to be the same program: to be explained, one by one."""
    return [each for each in judgements if each.status in ("presumed", "survived")]


def conclusion(judgements: Sequence[Judgement]) -> str:
    killed = _killed(judgements)
    different = len(killed) + len(survivors(judgements))
    same_bits = sum(each.status == "presumed" for each in judgements)
    by_peers = sum(each.peers for each in killed)
    share, peers = (100 * count / different if different else 100.0 for count in (len(killed), by_peers))
    return (
        f"{len(killed)} of {different} mutants that are other programs are killed ({share:.1f} %; {same_bits} of the "
        f"others give the same bits); one shape and fixed tolerances see {by_peers} ({peers:.1f} %)"
    )


def entry(judgement: Judgement) -> dict[str, Any]:
    return {
        "op": judgement.op,
        "kind": judgement.mutant.kind,
        "line": judgement.mutant.line,
        "change": judgement.mutant.change,
        "status": judgement.status,
        "gate": judgement.gate,
        "code": judgement.code,
        "by": judgement.by,
        "peers": judgement.peers,
        "seconds": judgement.seconds,
    }


def to_json(judgements: Sequence[Judgement]) -> dict[str, Any]:
    return {"conclusion": conclusion(judgements), "mutants": [entry(each) for each in judgements]}
