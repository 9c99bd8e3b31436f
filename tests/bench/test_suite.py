"""A whole benchmark: what can be held without a GPU, and one run where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tileops_spec.analysis.binding import bind_workload
from tileops_spec.bench.agreement import WrongResultError, check_agreement
from tileops_spec.bench.inputs import axes_of, input_sets
from tileops_spec.bench.suite import _on_their_device, main
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink

SPECS = Path(__file__).parents[2] / "specs"
HAS_GPU = torch.cuda.is_available()


@pytest.fixture
def rms_norm():
    spec = load_spec(SPECS / "rms_norm.yaml", Sink())
    assert spec is not None
    return spec


def test_dtype_choices(rms_norm):
    assert list(rms_norm.dtype_choices()) == [{"T": "f16"}, {"T": "bf16"}]


def test_groups_of_axes_stand_as_the_workload_has_them(rms_norm):
    workload = next(each for each in rms_norm.workloads if each.name == "qwen3-head")
    binding = bind_workload(rms_norm, dict(workload.values), {"T": "bf16"})
    assert axes_of(rms_norm.tensor("x"), rms_norm, workload, binding) == (4096, 32, 128)
    first, second, *_ = input_sets(rms_norm, workload, binding, device="cpu")
    assert first[0].shape == (4096, 32, 128)
    assert first[0].dtype == torch.bfloat16
    assert not torch.equal(first[0], second[0])


def test_agreement():
    exact = torch.randn(64, 64, dtype=torch.float16)
    check_agreement(exact, exact + exact * 1e-3, "a and b")
    for wrong in (exact * 1.05, exact[:32], torch.full_like(exact, float("nan"))):
        with pytest.raises(WrongResultError, match="a and b differ"):
            check_agreement(exact, wrong, "a and b")
    with pytest.raises(WrongResultError):
        check_agreement(torch.tensor([1, 2]), torch.tensor([1, 3]), "a and b")


def test_what_a_baseline_makes_lies_where_its_arguments_lie():
    baseline = _on_their_device(lambda x: x * torch.arange(4))
    assert baseline(torch.empty(4, device="meta")).is_meta
    assert baseline(torch.ones(4)).tolist() == [0, 1, 2, 3]


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
def test_without_a_gpu_nothing_is_timed(capsys):
    def op(*_, **__):
        raise AssertionError("called without a GPU")

    assert main(SPECS / "rms_norm.yaml", op, {}, []) == 4
    assert "need a GPU" in capsys.readouterr().err


def test_broken_spec(tmp_path, capsys):
    (tmp_path / "op.yaml").write_text("op: op\n")
    assert main(tmp_path / "op.yaml", print, {}, []) == 2
    assert "TS005" in capsys.readouterr().err


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU")
def test_one_workload(tmp_path, capsys):
    def op(x, w, *, eps):
        return torch.nn.functional.rms_norm(x, w.shape, w, eps)

    def missing(x, w, *, eps):
        raise ImportError("no such library")

    file = tmp_path / "out.json"
    baselines = {"torch": op, "gone": missing}
    arguments = ["--workload", "llama3-8b", "--rounds", "8", "--json", str(file)]
    assert main(SPECS / "rms_norm.yaml", op, baselines, arguments) == 0
    rows = json.loads(file.read_text())["rows"]
    assert [row["dtypes"] for row in rows] == [{"T": "f16"}, {"T": "bf16"}]
    assert rows[0]["ratio"] == pytest.approx(1, rel=0.2)
    assert rows[0]["failed"] == {"gone": "no such library"}
    assert "| llama3-8b" in capsys.readouterr().out
