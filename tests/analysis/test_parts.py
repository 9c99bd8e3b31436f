"""Errors in parts: what is a share of the value, a floor, and what is neither."""

from __future__ import annotations

import math

import pytest
import torch

from tileops_spec.analysis.estimate import Approx, joint_shape
from tileops_spec.analysis.operators import binary
from tileops_spec.analysis.sums import _copies
from tileops_spec.ir.dtypes import DTYPES

F32 = DTYPES["f32"]


def test_parts_add_up_to_the_error() -> None:
    value, dense = torch.tensor([[2.0, -4.0], [0.0, 1.0]]).double(), torch.tensor([[1.0], [0.5]]).double()
    approx = Approx.of_parts(value, dense, 0.25, 0.125)
    assert approx.error.tolist() == [[1.625, 2.125], [0.625, 0.875]]
    rowwise = Approx.of_parts(value, None, dense, 0.125)
    assert rowwise.laid_out(2.0).tolist() == [[4.25, 8.25], [0.25, 1.25]]


def test_an_error_is_in_order_beside_what_is_not_finite() -> None:
    """0 beside inf and NaN, whose error means nothing; inf where nothing is known of a number."""
    value = torch.tensor([math.inf, math.nan, 1.0, 0.0]).double()
    dense = torch.tensor([math.nan, 1.0, math.nan, math.inf]).double()
    assert Approx.of_parts(value, dense, 0.5, 1.0).error.tolist() == [0.0, 0.0, math.inf, math.inf]
    assert Approx.of_parts(value, None, 0.5, 1.0).error.tolist() == [0.0, 0.0, 1.5, 1.0]


@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
def test_operators_on_parts_bound_what_they_may_give(op) -> None:
    """Operands anywhere within their errors, large and small ones, give results within the result's error."""
    generator = torch.Generator().manual_seed(5)
    value, row = (torch.randn(*shape, generator=generator).double() for shape in ((6, 40), (6, 1)))
    left = Approx.of_parts(value, row.abs() * 1e-3, 1e-2, 1e-3)
    right = Approx.of_parts(row + 3 * row.sign(), None, 1e-2, 1e-2)
    found = binary(op, left, right, F32)
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        moved = [each.value + sign * each.error for each, sign in zip((left, right), signs, strict=True)]
        apart = (binary(op, *map(Approx, moved), F32).value - found.value).abs()
        assert (apart <= found.error * (1 + 1e-9)).all()


def test_shapes_are_joined_as_torch_does() -> None:
    for left, right in (((2, 1, 3), (1, 5, 3)), ((3,), (2, 3)), ((1, 1), (4, 0)), ((), (2,))):
        assert joint_shape(left, right) == tuple(torch.broadcast_shapes(left, right))


def test_equal_elements_of_a_sum_are_counted() -> None:
    value = torch.tensor([[1.0, 2.0, 1.0, 3.0, 1.0], [0.0, 4.0, 4.0, 0.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0]]).double()
    assert _copies(value, 1).tolist() == [[3, 1, 3, 1, 3], [1] * 5, [1] * 5]
    assert _copies(value[2:], 1) is None
