"""The formulas of cost, for every spec, against work counted by evaluation on small shapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tileops_spec.analysis.binding import Binding, evaluate_scalar
from tileops_spec.analysis.cases import draw_cases, make_inputs
from tileops_spec.analysis.cost import cost
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.nodes import Reduce
from tileops_spec.ir.spec import Spec
from tileops_spec.ir.walk import walk

FILES = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
CASES = 3
WORK = 5e3
"""Operations a case: each statement is laid out whole."""


def load(path: Path) -> Spec:
    spec = load_spec(path, Sink())
    assert spec is not None
    return spec


def extents(spec: Spec, binding: Binding) -> list[int]:
    """The extents of all index variables."""
    reductions = (node for each in spec.math for value in each.values for node in walk(value))
    axes = [axis for node in reductions if isinstance(node, Reduce) for axis in node.axes]
    axes += [axis for each in spec.math for axis in each.axes]
    return [int(evaluate_scalar(axis.extent, binding)) for axis in axes]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_formulas_say_what_is_counted(path: Path) -> None:
    """Exactly, or `at most` where the work depends on the data."""
    from tileops_spec.analysis.counted import count_work

    spec = load(path)
    formulas = cost(spec)
    for case in draw_cases(spec, count=CASES, seed=2, work=WORK):
        given = replace(case, absent=())
        binding = given.binding(spec)
        if min(extents(spec, binding), default=1) < 1:
            continue
        counted, said = count_work(spec, binding, make_inputs(spec, given)), formulas.evaluate(binding)
        note = f"{given.label}: {formulas.flops}; {formulas.bytes}; {dict(counted.read)}"
        assert counted.operations <= said.flops, note
        assert counted.bytes <= said.bytes, note
        assert formulas.flops_at_most or counted.operations == said.flops, note
        assert formulas.bytes_at_most or counted.bytes == said.bytes, note
