"""Comparison: NaN, infinities, overflow, and what the message says."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.estimate import Estimate

INF, NAN = float("inf"), float("nan")


def judge(actual, value, error, dtype=torch.float32):
    expected = Estimate(torch.tensor([value], dtype=torch.float64), torch.tensor([error], dtype=torch.float64))
    return compare("y", torch.tensor([actual]).to(dtype), expected)


@pytest.mark.parametrize(
    ("actual", "value", "error", "dtype"),
    [
        (1.0, 1.0, 0.0, torch.float32),
        (1.5, 1.0, 0.5, torch.float32),
        (NAN, NAN, 0.0, torch.float32),
        (INF, INF, 0.0, torch.float32),
        (-INF, -INF, 0.0, torch.float32),
        (3.0, 1.0, INF, torch.float32),
        (NAN, 1.0, INF, torch.float32),
        (INF, 65500.0, 40.0, torch.float16),
        (-65504.0, -9e4, 1.0, torch.float16),
        (NAN, 500.0, 1.0, torch.float8_e4m3fn),
        (448.0, 500.0, 1.0, torch.float8_e4m3fn),
    ],
)
def test_right(actual, value, error, dtype) -> None:
    assert judge(actual, value, error, dtype) is None


@pytest.mark.parametrize(
    ("actual", "value", "error", "dtype"),
    [
        (1.5, 1.0, 0.25, torch.float32),
        (1.0 + 2**-20, 1.0, 0.0, torch.float32),
        (NAN, 1.0, 0.5, torch.float32),
        (0.0, NAN, 0.0, torch.float32),
        (INF, 1.0, 0.5, torch.float32),
        (-INF, INF, 0.0, torch.float32),
        (3e38, INF, 0.0, torch.float32),
        (-INF, 65500.0, 40.0, torch.float16),
        (60000.0, 9e4, 1.0, torch.float16),
        (NAN, 9e4, 1.0, torch.float16),
    ],
)
def test_wrong(actual, value, error, dtype) -> None:
    found = judge(actual, value, error, dtype)
    assert found is not None
    assert found.worst_ratio > 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2])
def test_poison_is_wrong_even_where_nothing_is_known(dtype) -> None:
    poison = torch.full((1, dtype.itemsize), 255, dtype=torch.uint8).view(dtype)[:, 0]
    assert torch.isnan(poison.float()).all()
    unknown = Estimate(torch.ones(1, dtype=torch.float64), torch.full((1,), INF, dtype=torch.float64))
    assert compare("y", poison, unknown) is not None


def test_integers_and_bools_are_exact() -> None:
    places = Estimate(torch.tensor([3, 4]), torch.zeros(2, dtype=torch.float64))
    assert compare("i", torch.tensor([3, 4], dtype=torch.int32), places) is None
    assert compare("i", torch.tensor([3, 5], dtype=torch.int32), places).index == (1,)
    flags = Estimate(torch.tensor([True]), torch.zeros(1, dtype=torch.float64))
    assert compare("b", torch.tensor([False]), flags) is not None


def test_the_worst_element_is_named() -> None:
    expected = Estimate(torch.ones(2, 3, dtype=torch.float64), torch.full((2, 3), 0.25, dtype=torch.float64))
    actual = torch.ones(2, 3)
    actual[0, 1], actual[1, 2] = 1.5, 3.0
    found = compare("C", actual, expected)
    assert found.message == (
        "C[1, 2] is 3, expected 1 ± 0.25, 8 times the bound; 2 of 6 elements are outside their bounds"
    )
    actual[0, 0] = NAN
    assert "C[0, 0] is nan, expected 1 ± 0.25; 3 of 6" in compare("C", actual, expected).message


def test_shapes_must_agree() -> None:
    expected = Estimate(torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"y has shape \(1, 2\), not \(2,\)"):
        compare("y", torch.ones(1, 2), expected)


def test_nothing_is_right() -> None:
    empty = torch.ones(0, 3, dtype=torch.float64)
    assert compare("y", torch.ones(0, 3), Estimate(empty, empty)) is None
