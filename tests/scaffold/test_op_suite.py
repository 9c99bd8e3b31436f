"""What generated tests rest on: a right op passes every check, and each wrong one fails the check that is for it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

from tileops_spec.testing import OpSuite

SPECS = Path(__file__).parents[2] / "specs"


def gemm_reference(tensors):
    A, B, C = tensors
    C.copy_((A.float() @ B.float().T).to(C.dtype))


def norm_reference(tensors):
    x, w, y = tensors
    scale = (x.float().square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    y.copy_((x.float() * scale * w.float()).to(y.dtype))


@pytest.fixture
def stand_in(generated, monkeypatch):
    """Replaces an op's emulated kernel by a function over its tensors, and gives the op's suite."""

    def install(op, compute):
        kernel = importlib.import_module(f"made_by_tospec.{op}.kernel")
        (name,) = (each for each in vars(kernel) if each.endswith("Kernel"))
        monkeypatch.setattr(getattr(kernel, name), "_emulate", lambda self, tensors: compute(tensors))
        suite = OpSuite(SPECS / f"{op}.yaml", getattr(generated[op], op), count=8)
        suite.namespace = "tospec_scaffold_tests"
        return suite

    return install


@pytest.fixture
def gemm_suite(stand_in):
    return stand_in("gemm", gemm_reference)


@pytest.fixture
def norm_suite(stand_in, monkeypatch):
    suite = stand_in("rms_norm", norm_reference)
    # The stand-in knows one eps only.
    object.__setattr__(suite, "cases", tuple(case for case in suite.cases if dict(case.params).get("eps") is None))
    return suite


@pytest.mark.parametrize("name", ["gemm_suite", "norm_suite"])
def test_a_right_op_passes(name, request):
    suite = request.getfixturevalue(name)
    assert suite.cases
    for case in suite.cases:
        suite.check_values(case)
    suite.check_non_contiguous()
    suite.check_empty()
    for tensor in suite.inputs:
        suite.check_wrong_dtype(tensor)
        suite.check_wrong_rank(tensor)
    for place in suite.shared_axes:
        suite.check_wrong_extent(*place)
    for violation in suite.violations:
        suite.check_violation(*violation)
    suite.check_registration()
    suite.check_compile()


def test_what_there_is_to_break(gemm_suite, norm_suite):
    assert gemm_suite.shared_axes == (("B", 1),)
    assert norm_suite.shared_axes == (("w", 0),)
    assert [binding.dims["K"] % 8 for _, binding in gemm_suite.violations[:1]] == [1]
    assert len(gemm_suite.violations) == 2


def all_cases(suite):
    for case in suite.cases:
        suite.check_values(case)


def half_accumulator(tensors):
    A, B, C = tensors
    total = torch.zeros_like(C)
    for k in range(A.shape[1]):
        total += A[:, k, None] * B[None, :, k]
    C.copy_(total)


def skips_the_last_row(tensors):
    A, B, C = tensors
    C.fill_(float("nan"))
    C[:-1] = (A.float() @ B.float().T).to(C.dtype)[:-1]


def changes_an_input(tensors):
    gemm_reference(tensors)
    tensors[0].zero_()


@pytest.mark.parametrize("wrong", [half_accumulator, skips_the_last_row, changes_an_input])
def test_wrong_kernels_fail(stand_in, wrong):
    suite = stand_in("gemm", wrong)
    with pytest.raises(AssertionError, match="M="):
        all_cases(suite)


def test_an_op_that_checks_nothing_fails(gemm_suite):
    gemm_suite.op = lambda A, B: A.new_empty(len(A), len(B))
    (clause, binding), *_ = gemm_suite.violations
    for check in (
        lambda: gemm_suite.check_wrong_dtype("A"),
        lambda: gemm_suite.check_wrong_extent("B", 1),
        lambda: gemm_suite.check_violation(clause, binding),
    ):
        with pytest.raises(AssertionError, match=r"no (Type|Value)Error that names"):
            check()


def test_an_op_that_ignores_strides_fails(gemm_suite):
    def raw(A, B):
        return torch.as_strided(A, A.shape, (A.shape[1], 1)) @ B.contiguous().T

    gemm_suite.op = raw
    with pytest.raises(AssertionError):
        gemm_suite.check_non_contiguous()


def test_an_op_with_a_wrong_empty_shape_fails(gemm_suite):
    gemm_suite.op = lambda A, B: A.new_empty(0)
    with pytest.raises(AssertionError, match="= 0"):
        gemm_suite.check_empty()
