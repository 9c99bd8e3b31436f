"""Body mutants end to end: drawn, judged by the gates and by the usual test, shown as a table, saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileops_spec.analysis.cases import draw_cases
from tileops_spec.check import load_spec
from tileops_spec.cli.mutate import command
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.isolation import Limits, warm_up
from tileops_spec.mutate.bodies.judge import Bench, Judgement, judge, make_bench
from tileops_spec.mutate.bodies.mutants import Mutant, mutants_of
from tileops_spec.mutate.bodies.peers import usual_case
from tileops_spec.mutate.bodies.table import conclusion, lines, survivors, to_json
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.regions import extract_body
from tileops_spec.scaffold.render import render_kernel

TEXT = """\
op: probe
summary: Twice x plus a row.
dtypes: {T: f16}
inputs: {x: "T[M, N]", w: "T[N]"}
outputs: {y: "T[M, N]"}
dims: {M: dynamic}
math: |
  y[m, n] = 2 * f32(x[m, n]) + f32(w[n])
workloads:
  - {name: small, M: 64, N: 64}
"""
CODE = """\
with T.Kernel(T.ceildiv(M, rows), threads=32) as b:
    for i, j in T.Parallel(rows, N):
        if b * rows + i < M:
            y[b * rows + i, j] = 2 * T.cast(x[b * rows + i, j], "float32") + T.cast(w[j], "float32")
"""
BODY = Body(CODE, (("rows", (4, 8)),))


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    warm_up()
    folder = tmp_path_factory.mktemp("mutants")
    path = folder / "probe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    spec = load_spec(path, Sink())
    text = render_kernel(spec, BODY)
    cases = draw_cases(spec, count=3, seed=0, static_shapes=1)
    return make_bench(spec, extract_body(text), text, cases, Limits(seconds=60), folder)


def _judged(bench: Bench, before: str, after: str) -> Judgement:
    assert CODE.count(before) == 1
    code = bench.body.code.replace(before, after)
    assert code != bench.body.code
    return judge(bench, Mutant(kind="by hand", line=1, change=f"{before} → {after}", code=code))


@pytest.mark.parametrize(
    ("before", "after", "status", "gate", "peers"),
    [
        (" + T.cast(w[j]", " - T.cast(w[j]", "killed", "emulate", True),
        ("T.ceildiv(M, rows)", "M // rows", "killed", "emulate", False),
        ("= 2 *", "= 2.004 *", "killed", "emulate", False),
        ("T.ceildiv(M", "T.nothing(M", "killed", "static", True),
        # Beyond the usual test's one shape: what the gates run there is none of its business.
        ("if b * rows + i < M:", "if b * rows + i < M and M < 100:", "killed", "emulate", False),
        ("+ T.cast(w[j]", "+ T.cast(1 * w[j]", "equivalent", "", False),
    ],
)
def test_a_mutant_is_judged(bench, before, after, status, gate, peers) -> None:
    found = _judged(bench, before, after)
    assert (found.status, found.gate, found.peers) == (status, gate, peers), found


def test_a_tunable_that_is_wrong_when_it_is_not_the_default_is_noticed(bench) -> None:
    found = _judged(bench, "T.ceildiv(M, rows)", "T.ceildiv(M, 4 if rows == 4 else 16)")
    assert (found.status, found.gate, found.peers) == ("killed", "emulate", False)


def test_the_usual_test_has_the_first_workload_made_small(root) -> None:
    spec = load_spec(root / "specs" / "silu_and_mul.yaml", Sink())
    dims = dict(usual_case(spec, ()).dims)
    assert dims == {"S": 2048, "N": 3584}, "halved in turn, a group of axes too, from S = 4096 and N = 14336"


def test_mutants_are_distinct_and_drawn_alike(bench) -> None:
    every = mutants_of(bench.spec, bench.body)
    assert len({each.code for each in every}) == len(every) > 40
    few = mutants_of(bench.spec, bench.body, limit=12)
    assert few == mutants_of(bench.spec, bench.body, limit=12)
    assert len({each.kind for each in few}) == len(few) == 12
    assert few != mutants_of(bench.spec, bench.body, limit=12, seed=1)


def test_the_table_counts_and_names_what_survives() -> None:
    mutant = Mutant(kind="wrong operator", line=3, change="a + b → a - b", code="")
    killed = Judgement(op="probe", mutant=mutant, status="killed", gate="emulate", code="TS431", peers=True)
    same = Judgement(op="probe", mutant=mutant, status="equivalent", by="the same TIR")
    lost = Judgement(op="probe", mutant=mutant, status="survived", by="other bits, within the bound")
    assert survivors([killed, same, lost]) == [lost]
    assert conclusion([killed, same, lost]).startswith("1 of 2 mutants")
    text = "\n".join(lines([killed, same, lost]))
    assert "emulate  TS431" in text
    assert "probe, line 3 of the body: wrong operator: a + b → a - b" in text
    assert to_json([lost])["mutants"][0]["status"] == "survived"


def test_mutants_are_saved_with_their_verdicts(bench, tmp_path: Path) -> None:
    from types import SimpleNamespace

    from tileops_spec.mutate.bodies.run import save_mutants

    mutant = mutants_of(bench.spec, bench.body, limit=1)[0]
    plan = SimpleNamespace(spec=bench.spec, files={"kernel.py": bench.text})
    for _ in range(2):
        save_mutants(plan, [Judgement(op="probe", mutant=mutant, status="survived")], tmp_path)
    (entry,) = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert entry["status"] == "survived"
    assert extract_body((tmp_path / entry["file"]).read_text(encoding="utf-8")).code == mutant.code


def test_a_spec_without_a_body_is_refused(write_spec) -> None:
    result = CliRunner().invoke(command, [str(write_spec(TEXT))])
    assert result.exit_code == 2
    assert "has no body that could be mutated" in result.stderr
