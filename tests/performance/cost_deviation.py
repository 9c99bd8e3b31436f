"""How far the formulas of cost are from counted work, for every spec: the table of docs/cost.md.

`PYTHONPATH=. python tests/performance/cost_deviation.py` takes some minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from tileops_spec.analysis.binding import evaluate_scalar
from tileops_spec.analysis.cases import draw_cases, make_inputs
from tileops_spec.analysis.cost import cost
from tileops_spec.analysis.counted import count_work
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.nodes import Expr, Reduce
from tileops_spec.ir.spec import Spec
from tileops_spec.ir.walk import walk

SPECS = Path(__file__).parents[2] / "specs"
CASES, SEED, WORK = 5, 5, 1e4


@dataclass
class Group:
    """Specs whose formulas are of one kind, with counted ÷ said of every case."""

    specs: set[str] = field(default_factory=set)
    shares: list[float] = field(default_factory=list)

    def row(self, what: str) -> str:
        deviation = max((abs(1 - share) for share in self.shares), default=0.0)
        shares = f"{min(self.shares):.2f} … {max(self.shares):.2f}"
        return f"| {what} | {len(self.specs)} | {len(self.shares)} | {deviation:g} | {shares} |"


def main() -> None:
    torch.set_num_threads(1)
    groups = {(what, kind): Group() for what in ("operations", "bytes") for kind in ("exact", "at most")}
    for path in sorted(SPECS.glob("*.yaml")):
        spec = load_spec(path, Sink())
        if spec is not None and spec.math:
            _measure(spec, groups)
    print("| formula | specs | cases | largest deviation | counted ÷ said |\n|---|---|---|---|---|")
    for (what, kind), group in groups.items():
        print(group.row(f"{what}, {kind}"))


def _measure(spec: Spec, groups: dict[tuple[str, str], Group]) -> None:
    formulas = cost(spec)
    kinds = {"operations": formulas.flops_at_most, "bytes": formulas.bytes_at_most}
    for case in draw_cases(spec, count=CASES, seed=SEED, work=WORK):
        given = replace(case, absent=())
        binding = given.binding(spec)
        if any(int(evaluate_scalar(extent, binding)) < 1 for extent in _extents(spec)):
            continue
        counted, said = count_work(spec, binding, make_inputs(spec, given)), formulas.evaluate(binding)
        pairs = {"operations": (counted.operations, said.flops), "bytes": (counted.bytes, said.bytes)}
        for what, (found, formula) in pairs.items():
            group = groups[what, "at most" if kinds[what] else "exact"]
            group.specs.add(spec.op)
            group.shares.append(found / formula if formula else 1.0 + found)
            if found > formula or (found < formula and not kinds[what]):
                print(f"{spec.op} {given.label}: {what} {found}, not {formula}")


def _extents(spec: Spec) -> Iterator[Expr]:
    """The extents of all index variables."""
    for definition in spec.math:
        yield from (axis.extent for axis in definition.axes)
        for value in definition.values:
            yield from (axis.extent for node in walk(value) if isinstance(node, Reduce) for axis in node.axes)


if __name__ == "__main__":
    main()
