"""The cheats: one file each under cheats/, with what it is and which gate must refuse it in its header.

# op: gemm                          the spec that it claims to compute
# class: …                          what evaluators were beaten by
# idea, source: …
# gate: static TS403                the first gate that refuses it, and a code that it gives
# without static: emulate TS431     the same with the static gate off
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tileops_spec.analysis.cases import Case, draw_cases
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.gates.candidate import representative_bindings
from tileops_spec.gates.emulate import check_emulation
from tileops_spec.gates.isolation import Limits, warm_up
from tileops_spec.gates.lower import check_lowering
from tileops_spec.gates.static import check_static
from tileops_spec.gates.verdict import Verdict
from tileops_spec.hardware import TARGETS
from tileops_spec.ir.spec import Spec
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_kernel

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_FIELD = re.compile(r"^# ([a-z ]+): (.+)\n", re.M)
_SPEEDY = Limits(seconds=4)
"""For what would otherwise never end."""
_LIMITS = Limits(seconds=60)


@dataclass(frozen=True)
class Cheat:
    """`gate` and `without_static` are names of gates with the codes of which one is enough."""

    name: str
    op: str
    kind: str
    gate: tuple[str, frozenset[str]]
    without_static: tuple[str, frozenset[str]]
    code: str

    @property
    def limits(self) -> Limits:
        return _SPEEDY if "TS434" in self.without_static[1] else _LIMITS


def read_cheat(path: Path) -> Cheat:
    text = path.read_text(encoding="utf-8")
    fields = dict(_FIELD.findall(text))
    code = _FIELD.sub("", text)
    return Cheat(
        path.stem, fields["op"], fields["class"], _verdict(fields["gate"]), _verdict(fields["without static"]), code
    )


def _verdict(text: str) -> tuple[str, frozenset[str]]:
    gate, *codes = text.split()
    return gate, frozenset(codes)


CHEATS = [read_cheat(path) for path in sorted(HERE.glob("cheats/*.py"))]


@cache
def spec_of(op: str) -> Spec:
    spec = load_spec(ROOT / "specs" / f"{op}.yaml", Sink())
    assert spec is not None
    return spec


@cache
def cases_of(op: str) -> tuple[Case, ...]:
    """Of one dtype and one static shape, so that a cheat costs one compilation."""
    cases = draw_cases(spec_of(op), count=8, seed=3, static_shapes=1)
    return tuple(case for case in cases if dict(case.dtypes)["T"] == "f16")[:4]


class Bench:
    """Runs the gates, singly, on bodies rendered into a folder; `outside` is a path that no body may write to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "kernel.py"
        self.outside = folder / "outside"

    def render(self, op: str, code: str) -> SourceText:
        code = code.replace("OUTSIDE", str(self.outside)).replace("SPEC", str(ROOT / "specs" / f"{op}.yaml"))
        self._path.write_text(render_kernel(spec_of(op), Body(code)), encoding="utf-8")
        return SourceText(str(self._path), self._path.read_text(encoding="utf-8"))

    def run(self, gate: str, op: str, code: str, limits: Limits = _LIMITS) -> Verdict:
        spec, kernel = spec_of(op), self.render(op, code)
        if gate == "static":
            return check_static(spec, Body(code), kernel)
        if gate == "lower":
            bindings = representative_bindings(spec, cases_of(op))
            return check_lowering(spec, bindings, kernel, TARGETS["sm_90a"], limits)[0]
        return check_emulation(spec, cases_of(op), kernel, limits)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    warm_up()
    return Bench(tmp_path)


@pytest.fixture
def refused(bench: Bench) -> Callable[[Cheat, tuple[str, frozenset[str]]], Verdict]:
    """Run the gate that must refuse a cheat, and hold that it does so under the code that is named."""

    def check(cheat: Cheat, by: tuple[str, frozenset[str]]) -> Verdict:
        gate, codes = by
        verdict = bench.run(gate, cheat.op, cheat.code, cheat.limits)
        assert verdict.status in ("failed", "unsupported"), f"{cheat.name} passes {gate}"
        found = {finding.code for finding in verdict.diagnostics}
        assert found & codes, [finding.message for finding in verdict.diagnostics]
        return verdict

    return check
