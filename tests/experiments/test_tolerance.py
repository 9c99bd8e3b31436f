"""The experiment in short: no false alarm and no missed mistake on a few ops, and the simulation rounds as it says.

The whole of it is `python -m tests.experiments.tolerance`; its table is docs/measurements/tolerance.md.
"""

from __future__ import annotations

import numpy
import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.inputs import draw_inputs
from tileops_spec.analysis.oracle import evaluate
from tileops_spec.ir.dtypes import DTYPES

from .faults import faults_of
from .orders import ORDERS, Order, summed, summed_with
from .rounded import Kernel, compute
from .tables import document
from .tolerance import load, reducing_ops
from .trials import JUDGES, Prepared, correct_trials, experiment, fault_trials, long_cases

OPS = ("gemm", "rms_norm", "softmax", "logsumexp", "cumsum")
F32 = DTYPES["f32"]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("op", OPS)
def test_no_false_alarm_and_no_mistake_missed(op) -> None:
    spec = load(op)
    found = correct_trials(spec, long_cases(spec, 3, 3e4), 21)
    assert (found.trials, found.rejected[JUDGES[0]], found.example) == (21, 0, "")
    missed = [fault for fault, v in fault_trials(spec, 4, 1e5) if v.trials and not v.rejected[JUDGES[0]]]
    assert not missed


def test_a_recurrence_that_forgets_keeps_a_bound_that_says_something() -> None:
    """Carried by absolute values the bound of a delta rule grows without limit; measured, it does not."""
    spec = load("delta_net_fwd")
    binding = bind(spec, dims={"B": 1, "L": 96, "H": 1, "K": 16, "V": 16}, dtypes={"T": "f16"})
    inputs = draw_inputs(spec, binding, data="normal", seed=1)
    state = evaluate(spec, binding, inputs)["S"]
    assert float((state.error / state.value.abs().amax()).max()) < 2**-12
    found = compute(spec, binding, inputs, Kernel(Order("lanes"), fast=True))
    expected = evaluate(spec, binding, inputs)
    assert all(compare(name, value, expected[name]) is None for name, value in found.items())


@pytest.mark.parametrize("name", ORDERS)
def test_orders_add_up_the_same_terms_in_f32(name) -> None:
    terms = torch.randn(5, 301, generator=torch.Generator().manual_seed(1)).double()
    value, exact = summed(terms, F32, Order(name, seed=3)), terms.sum(-1)
    assert torch.equal(value, value.float().double())
    assert 0 < float((value - exact).abs().max()) < 1e-4
    one_by_one = numpy.float32(0)
    for term in terms[0].numpy().astype(numpy.float32):
        one_by_one = numpy.float32(one_by_one + term)
    assert name != "sequential" or float(value[0]) == float(one_by_one)


def test_a_narrow_accumulator_rounds_after_every_block() -> None:
    terms = torch.full((4096,), 1.0).double()
    assert float(summed_with(terms, DTYPES["f16"], 1)) == 2048  # 2048 + 1 is 2048 in 11 bits
    assert float(summed_with(terms, DTYPES["f16"], 16)) == 4096


def test_the_simulation_computes_what_torch_computes() -> None:
    spec = load("rms_norm")
    prepared = Prepared.of(spec, long_cases(spec, 1, 3e4)[0])
    x, w = (prepared.inputs[name].float() for name in "xw")
    expected = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + prepared.binding.params["eps"]) * w
    value = compute(spec, prepared.binding, prepared.inputs, Kernel())["y"]
    assert value.dtype == prepared.inputs["x"].dtype
    torch.testing.assert_close(value.float(), expected, rtol=2**-7, atol=1e-6)


def test_mistakes_are_found_in_the_mathematics() -> None:
    found = {(fault.kind, fault.place) for fault in faults_of(load("gqa_fwd"))}
    assert {("stale maximum", "p: softmax"), ("missing scale", "s: scale"), ("bf16 accumulator", "O: sum")} <= found
    assert ("dropped tile", "s: sum") in found
    assert {kind for kind, _ in found} == {fault.kind for fault in faults_of(load("gqa_decode"))}


def test_the_page_has_every_op() -> None:
    outcome = experiment(load("sum"), trials=7, gate_cases=1, work=1e4)
    page = document([outcome], 128)
    assert "| sum |" in page
    assert "1 of the 128 ops that reduce, 7 correct computations" in page
    assert {"sum", "gqa_fwd", "gated_delta_net_fwd", "embedding_bwd"} <= set(reducing_ops())
