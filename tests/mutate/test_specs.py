"""Spec mutants: every kind is seeded, errors are caught by the check meant for them, sameness is told from luck."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileops_spec.check import load_spec
from tileops_spec.cli.mutate import command
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.mutate.specs import run
from tileops_spec.mutate.specs.judge import CRASH, Judgement, judge
from tileops_spec.mutate.specs.run import mutants_of, mutate_specs
from tileops_spec.mutate.specs.sites import Mutant
from tileops_spec.mutate.specs.table import lines, share_caught

TEXT = """\
op: probe
summary: A probe.
dtypes: {T: f16 | bf16}
constants: {STEP: 2}
inputs: {x: "T[M, K]", w: "T[K]", b: "T[K] = 0"}
params: {scale: f32 = 0.5, keep: bool = true}
outputs: {y: "T[M, K]", m: "f32[M]"}
where: [K % STEP == 0]
math: |
  m[r] = mean[k](f32(x[r, k]) ^ 2)
  y[r, k] = where(keep, scale * exp(-m[r]) * f32(x[r, k]) * w[k] + pad(w[k - 1], 0), f32(b[k]))
reference:
  torch: |
    (lambda ms: ((scale * torch.exp(-ms)[:, None] * x * w + torch.nn.functional.pad(w, (1, 0))[:-1]
                  if keep else (torch.zeros_like(w) if b is None else b).expand_as(x)).to(T), ms))(
        x.to(torch.promote_types(T, torch.float32)).square().mean(-1))
workloads:
  - {name: small, M: 4, K: 8}
"""


@pytest.fixture
def spec_file(write_spec) -> Path:
    return write_spec(TEXT)


def test_every_kind_of_error_is_seeded_once_a_place(spec_file) -> None:
    mutants = mutants_of(spec_file)
    kinds = {mutant.kind for mutant in mutants}
    assert kinds >= {
        "wrong reduction",
        "wrong operator",
        "wrong function",
        "dropped scale",
        "dropped term",
        "swapped indices",
        "off by one",
        "dropped cast",
        "narrowed dtype",
        "widened dtype",
        "wrong number",
        "wrong tensor",
        "swapped branches",
        "dropped mask",
        "dropped statement",
        "repeated statement",
        "swapped dims",
        "wrong output shape",
        "wrong default",
        "violated workload",
        "wrong reference",
    }
    assert len({mutant.text for mutant in mutants}) == len(mutants)
    assert all(mutant.text != TEXT for mutant in mutants)
    few = mutants_of(spec_file, limit=25)
    assert len(few) == 25
    assert len({mutant.kind for mutant in few}) == len(kinds)
    assert few == mutants_of(spec_file, limit=25)


@pytest.mark.parametrize(
    ("old", "new", "status", "by"),
    [
        ("mean[k](f32(x[r, k]) ^ 2)", "sum[k](f32(x[r, k]) ^ 2)", "caught", "TS201"),
        ("w[k - 1]", "w[k + 1]", "caught", "TS201"),
        ("pad(w[k - 1], 0)", "w[k - 1]", "caught", "TS125"),
        ('y: "T[M, K]"', 'y: "T[K, M]"', "caught", "TS125"),
        ('m: "f32[M]"', 'm: "f64[M]"', "caught", "TS203"),
        ("K: 8", "K: 9", "caught", "TS116"),
        (" * w[k] +", " * w[k] - ", "caught", "TS201"),
        ("m[r] = ", "# ", "caught", "TS111"),
        ("M: 4, K", "M: 5, K", "equivalent", "the same workload"),
        ("f32(x[r, k]) * w[k]", "w[k] * f32(x[r, k])", "equivalent", "equal values and bounds on many cases"),
        ("scale: f32 = 0.5", "scale: f32 = 0.25", "survived", ""),
    ],
)
def test_a_mutant_is_judged(spec_file, old, new, status, by) -> None:
    spec = load_spec(spec_file, Sink())
    assert TEXT.count(old) == 1
    found = judge(spec, Mutant(kind="by hand", line=1, change="", text=TEXT.replace(old, new)))
    assert (found.status, found.by) == (status, by)


def test_the_table_counts_what_was_judged(spec_file) -> None:
    found = mutate_specs([spec_file], limit=8, jobs=1)
    assert len(found) == 8
    text = "\n".join(lines(found))
    assert "mutants of another meaning are caught" in text
    lost = Judgement(op="probe", mutant=found[0].mutant, status="survived", by="")
    assert share_caught([lost]) == 0
    assert f"probe, line {lost.mutant.line}: {lost.mutant.kind}" in "\n".join(lines([lost]))


def test_the_command_gives_data_for_tools(spec_file) -> None:
    result = CliRunner().invoke(command, ["--spec", "--limit", "4", "--output-format", "json", str(spec_file)])
    data = json.loads(result.stdout)
    assert len(data["mutants"]) == 4
    assert {"op", "kind", "line", "change", "status", "by"} == set(data["mutants"][0])


def test_a_spec_with_errors_is_refused(write_spec) -> None:
    result = CliRunner().invoke(command, ["--spec", str(write_spec("op: probe\n"))])
    assert result.exit_code == 2
    assert "has findings of its own" in result.stderr


def test_a_mutant_that_ends_the_process_is_caught_by_that(spec_file, monkeypatch) -> None:
    """Where a task breaks the pool, the tasks under way are judged one by one, and the rest by a new pool."""
    whole = [run._judge((spec_file, mutant)) for mutant in mutants_of(spec_file, limit=12)]
    lethal = whole[5].mutant.text
    monkeypatch.setattr(run, "_pool", lambda jobs: _Pool(lethal))
    found = mutate_specs([spec_file], limit=12, jobs=1)
    assert (found[5].status, found[5].by) == ("caught", CRASH)
    assert found[:5] == whole[:5]
    assert found[6:] == whole[6:]
    assert "crash  the reference ends the process" in "\n".join(lines(found))


class _Pool(ThreadPoolExecutor):
    """A pool in this process that breaks as one of processes does, when it is given one task."""

    def __init__(self, lethal: str) -> None:
        super().__init__(max_workers=1)
        self.lethal = lethal

    def submit(self, fn, /, task):
        return super().submit(self._judge, task)

    def map(self, fn, tasks, chunksize=1):
        return map(self._judge, tasks)

    def _judge(self, task):
        if task[1].text == self.lethal:
            raise BrokenProcessPool
        return run._judge(task)
