"""Bounds of recurrences, measured: what becomes of the errors of all steps together.

A bound that is carried by absolute values from step to step grows geometrically where the recurrence itself forgets, as
that of a delta rule does. Where it has grown, the recurrence is computed several times over in float64, with every
element of every step moved by its own step's bound, up or down at random. The runs are elements of one more axis, RUN,
that every definition of the group gets: the first is the undisturbed one, with its carried bound. docs/tolerance.md has
the derivation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..ir.nodes import Access, Axis, Expr, IndexRef, Number
from ..ir.spec import Definition
from ..ir.walk import map_children
from .accesses import Window
from .estimate import Approx, surely_finite
from .recurrent import RecurrentGroup

SAMPLES = 8
"""Disturbed runs."""
LAMBDA_RUNS = 6.0
"""The bound is so many times the largest deviation among the runs."""
GROWN = 2.0**-14
"""A carried bound beyond this share of the largest value is worth measuring: below it, it hides nothing in 16 bits."""
RUN = Axis(name="#run", extent=Number(value=1 + SAMPLES, dtype="i64"))


def with_runs(group: RecurrentGroup) -> RecurrentGroup:
    """The group with RUN as the first axis of each definition."""
    names = frozenset(group.names)
    definitions = tuple(_with_run(each, names) for each in group.definitions)
    return RecurrentGroup(definitions, {name: axis + 1 for name, axis in group.axes.items()})


def _with_run(definition: Definition, names: frozenset[str]) -> Definition:
    value = _within_run(definition.value, names)
    return replace(definition, axes=(RUN, *definition.axes), value=value)


def _within_run(expr: Expr, names: frozenset[str]) -> Expr:
    """The expression with each element of the group read from the run that it is in."""
    expr = map_children(expr, lambda operand: _within_run(operand, names))
    if not isinstance(expr, Access) or expr.tensor not in names:
        return expr
    return replace(expr, indices=(IndexRef(name=RUN.name, dtype="i64"), *expr.indices))


@dataclass
class Disturbance:
    """Signs for the runs of one group; the same each time."""

    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def store(self, result: Approx, value: Tensor, error: Tensor | None) -> None:
        """Put one step of every run where it belongs: all runs but the first moved by their bounds, up or down.

        From there on they are exact: the error is the first run's alone. What nothing is known of becomes NaN.
        """
        if result.error is None or not result.value.dtype.is_floating_point:
            value.copy_(result.value)
        else:
            value[:1] = result.value[:1]
            torch.add(result.value[1:], self._signed(result.error[1:]), out=value[1:])
        if error is not None and result.error is not None:
            error.copy_(result.error[:1])

    def _signed(self, error: Tensor) -> Tensor:
        noise = torch.rand(error.shape, generator=self.generator, dtype=torch.float32).sub_(0.5)
        step = torch.copysign(error, noise.to(error.device))
        return step if surely_finite(step) else step.masked_fill_(torch.isinf(step), torch.nan)


def part_of_runs(runs: Window, ranges: Sequence[tuple[int, int]] | None) -> Window:
    """The part of every run within `ranges`, or everything; errors are 0 for all runs but the first."""
    wanted = runs.ranges if ranges is None or not runs.covers(ranges) else list(ranges)
    value = _within(runs.approx.value, runs.origin, wanted)
    error = runs.approx.error
    if error is not None:
        error = _within(error, runs.origin, [(0, 1), *wanted[1:]])
        error = torch.cat((error, error.new_zeros(()).expand(SAMPLES, *error.shape[1:])))
    return Window(Approx(value, error), tuple(start for start, _ in wanted))


def _within(tensor: Tensor, origin: Sequence[int], ranges: Sequence[tuple[int, int]]) -> Tensor:
    return tensor[tuple(slice(start - at, stop - at) for at, (start, stop) in zip(origin, ranges, strict=True))]


def measured(runs: Window) -> Window:
    """The first run, with the smaller of its carried bound and LAMBDA_RUNS times the largest deviation of the others.

    Where a run has no number although there is a value, the carried bound stands.
    """
    value, bound = runs.approx.value[0].clone(), runs.approx.bound[0]
    if value.dtype.is_floating_point:
        bound = torch.minimum(bound, _largest_deviation(value, runs.approx.value[1:]).mul_(LAMBDA_RUNS))
    return Window(Approx(value, bound), runs.origin[1:])


def _largest_deviation(value: Tensor, runs: Iterable[Tensor]) -> Tensor:
    largest = torch.zeros_like(value)
    for run in runs:
        apart = torch.where(run == value, 0.0, (run - value).abs_())
        largest = torch.maximum(largest, apart.nan_to_num_(nan=torch.inf), out=largest)
    return largest


def is_large(steps: Approx) -> bool:
    """Whether a carried bound is large against the largest value of the same steps."""
    if steps.error is None or not steps.value.dtype.is_floating_point or not steps.value.numel():
        return False
    top = torch.where(torch.isfinite(steps.value), steps.value.abs(), 0.0).max()
    return bool(steps.error.max() > GROWN * top)


def has_grown(carried: Approx, own: Approx) -> bool:
    """Whether the carried bound of a step is more than LAMBDA_RUNS times what the step itself adds.

    Else runs would say nothing new of it, since each of them is moved by all that its steps add.
    """
    added = own.bound
    return bool(carried.bound.max() > LAMBDA_RUNS * torch.where(torch.isinf(added), 0.0, added).max())
