"""Points of a rectangle, counted in closed form: the same number as by looking at each."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.analysis.counting import count_points
from tileops_spec.ir.nodes import Binary, DimRef, Expr, IndexRef, Number, Unary
from tileops_spec.ir.scalars import compiled

ROW, COL, H, S = IndexRef(name="i"), IndexRef(name="j"), IndexRef(name="h"), DimRef(name="S")


def at(op: str, left: Expr | int | float, right: Expr | int | float) -> Binary:
    sides = [Number(value=side) if isinstance(side, int | float) else side for side in (left, right)]
    return Binary(op=op, left=sides[0], right=sides[1])


def by_looking(condition: Expr, extents: dict[str, int], names: dict[str, int]) -> int:
    holds = compiled(condition)
    points = product(*map(range, extents.values()))
    return sum(bool(holds({**names, **dict(zip(extents, point, strict=True))})) for point in points)


numbers = st.integers(-6, 6)
terms = st.one_of(
    st.sampled_from([ROW, COL, S]),
    numbers.map(lambda value: Number(value=value)),
    st.builds(lambda name, by: at("//", name, by), st.sampled_from([ROW, COL]), st.integers(1, 5)),
    st.builds(lambda name, by: at("%", name, by), st.sampled_from([ROW, COL]), st.integers(1, 5)),
    st.builds(lambda name, by: at("*", by, name), st.sampled_from([ROW, COL]), st.integers(-3, 3)),
    st.builds(lambda name, by: at("/", name, by), st.sampled_from([ROW, COL]), st.sampled_from([2, 4])),
)
sums = st.builds(lambda op, left, right: at(op, left, right), st.sampled_from(["+", "-"]), terms, terms)
sides = terms | sums | st.builds(lambda inner, by: at("//", inner, by), sums, st.integers(1, 4))
comparisons = st.builds(at, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), sides, sides)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(at, st.sampled_from(["and", "or"]), inner, inner),
        inner.map(lambda condition: Unary(op="not", operand=condition)),
    ),
    max_leaves=4,
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(conditions, st.integers(0, 23), st.integers(0, 23), st.integers(0, 9))
def test_the_same_as_looking_at_every_point(condition: Expr, rows: int, columns: int, size: int) -> None:
    extents = {"i": rows, "j": columns}
    found = count_points(condition, extents, {"S": size})
    assert found in (None, by_looking(condition, extents, {"S": size}))


CLOSED = {
    "causal": at(">", COL, at("+", ROW, S)),
    "window": at("and", at("<=", COL, ROW), at(">", COL, at("-", ROW, 7))),
    "chunks": at("!=", at("//", COL, 64), at("//", ROW, 64)),
    "before the chunk": at("<", at("//", COL, 64), at("//", ROW, 64)),
    "dilated": at("==", at("%", at("-", ROW, COL), 4), 0),
    "half": at(">", COL, at("+", at("/", ROW, 2), 0.3)),
    "rows alone": at("==", at("%", ROW, 3), 1),
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_must_have_a_closed_form(name: str) -> None:
    condition = CLOSED[name]
    extents = {"h": 3, "i": 150, "j": 131}
    assert count_points(condition, extents, {"S": 5}) == by_looking(condition, extents, {"S": 5})


def test_three_variables() -> None:
    condition = at("<", COL, at("-", ROW, at("*", 2, H)))
    extents = {"h": 4, "i": 20, "j": 15}
    assert count_points(condition, extents, {}) == by_looking(condition, extents, {})


@pytest.mark.parametrize(
    "condition",
    [at(">", at("*", ROW, COL), 7), at("<", at("%", COL, 300), at("%", ROW, 7)), at(">", COL, at("^", ROW, 2))],
)
def test_what_has_none_is_not_counted(condition: Expr) -> None:
    assert count_points(condition, {"i": 4, "j": 4}, {}) is None


@pytest.mark.parametrize("name", CLOSED)
def test_long_sequences_take_no_time(name: str) -> None:
    started = time.process_time()
    assert count_points(CLOSED[name], {"i": 10**6, "j": 10**6}, {"S": 5}) is not None
    assert time.process_time() - started < 1.0
