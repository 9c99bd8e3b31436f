"""The executable form of a spec: every output and local value in float64, with an error bound for each element."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..ir.dtypes import DType
from ..ir.nodes import Along, Expr, Reduce
from ..ir.spec import Definition, Spec
from ..ir.walk import walk
from .accesses import OracleError, Window, mapped
from .binding import Binding, evaluate_scalar, shape_of
from .cost import free_indices
from .disturbed import Disturbance, has_grown, is_large, measured, part_of_runs, with_runs
from .estimate import Approx, Estimate, conform
from .expressions import Expressions
from .operators import cast
from .recurrent import RecurrentGroup, recurrent_groups
from .scatter import scattered
from .scope import Run, Scope

__all__ = ["WHOLE_LIMIT", "OracleError", "evaluate", "evaluate_values", "expressions_of", "failed_assumptions"]

WHOLE_LIMIT = 2**27
"""Elements of the largest definition, above which outputs are computed slice by slice (1 GiB in float64)."""


def evaluate(
    spec: Spec,
    binding: Binding,
    inputs: Mapping[str, Tensor],
    *,
    as_float: str | None = None,
    whole_limit: int = WHOLE_LIMIT,
) -> dict[str, Estimate]:
    """Outputs and locals by name, on the inputs' device; groups of axes are flattened. Optional inputs may be missing.

    A tensor that is updated in place comes out as it is afterwards. `as_float` bounds the error of computing everything
    in one float dtype, whatever the spec says. Where a definition has more than `whole_limit` elements, outputs are
    computed slice by slice, and locals are left out. Raises OracleError where the mathematics has no value, ValueError
    where an input is missing or misshapen.
    """
    oracle = _Oracle(spec, binding, _checked(spec, binding, inputs), as_float)
    return {name: _estimate(result) for name, result in oracle.results(whole_limit)}


def evaluate_values(
    spec: Spec, binding: Binding, inputs: Mapping[str, Tensor], *, whole_limit: int = WHOLE_LIMIT
) -> dict[str, Tensor]:
    """The values that `evaluate` gives, without their bounds: what a plain float64 reference computes."""
    oracle = _Oracle(spec, binding, _checked(spec, binding, inputs), None, bounded=False)
    return {name: result.value.contiguous() for name, result in oracle.results(whole_limit)}


def expressions_of(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> Expressions:
    """What evaluates expressions over these inputs and the spec's definitions."""
    return _Oracle(spec, binding, _checked(spec, binding, inputs), None).expressions


def failed_assumptions(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> list[Expr]:
    """The clauses on data that these inputs violate."""
    expressions = expressions_of(spec, binding, inputs)
    return [clause for clause in spec.assumptions if not _holds(clause, expressions)]


def _holds(clause: Expr, expressions: Expressions) -> bool:
    try:
        return bool(expressions.evaluate(clause, Scope(())).value)
    except OracleError:
        return False


def _estimate(result: Approx) -> Estimate:
    return Estimate(result.value.contiguous(), result)


def _checked(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs in the oracle's types."""
    checked = {}
    for tensor in spec.inputs:
        if tensor.name not in inputs:
            if tensor.default is not None:
                continue
            raise ValueError(f"input {tensor.name} is missing")
        shape = shape_of(tensor, binding)
        if tuple(inputs[tensor.name].shape) != shape:
            raise ValueError(f"input {tensor.name} has shape {tuple(inputs[tensor.name].shape)}, not {shape}")
        checked[tensor.name] = conform(inputs[tensor.name], binding.dtype(tensor.dtype))
    return checked


@dataclass
class _Oracle:
    spec: Spec
    binding: Binding
    inputs: dict[str, Tensor]
    as_float: str | None
    bounded: bool = True
    known: dict[tuple, Window] = field(default_factory=dict)
    kept: dict[str, Window] = field(default_factory=dict)
    growing: dict[str, Window] = field(default_factory=dict)
    disturbance: Disturbance | None = None
    exactly: bool = False

    def __post_init__(self) -> None:
        self.definitions: dict[str, list[Definition]] = {}
        for definition in self.spec.math:
            self.definitions.setdefault(definition.target, []).append(definition)
        self.groups = recurrent_groups(self.spec)
        device = next(iter(self.inputs.values())).device if self.inputs else torch.device("cpu")
        defaults = {
            each.name: each.default
            for each in self.spec.inputs
            if each.default is not None and each.name not in self.inputs
        }
        self.expressions = Expressions(
            self.binding, self.inputs, defaults, self.read, device, self.as_float, self.bounded
        )

    def extents(self, definition: Definition) -> tuple[int, ...]:
        """The target's extents."""
        return tuple(max(0, int(evaluate_scalar(extent, self.binding))) for extent in definition.shape)

    def largest(self) -> int:
        """Elements of the largest tensor that is laid out: a definition, or what a reduction takes in."""
        return max((size for each in self.spec.math for size in self._sizes(each)), default=0)

    def _sizes(self, definition: Definition) -> Iterator[int]:
        reductions = [node for value in definition.values for node in walk(value) if isinstance(node, Reduce)]
        axes = (*definition.axes, *(axis for node in reductions for axis in node.axes))
        extents = {axis.name: self.expressions.extent(axis) for axis in axes}
        yield math.prod(self.extents(definition))
        yield math.prod(extents[axis.name] for axis in definition.axes)
        for node in reductions:
            is_sum = node.function in ("sum", "mean")
            for part in self.expressions.product(node.body)[0] if is_sum else [node.body]:
                yield math.prod(extents[name] for name in free_indices(part) if name in extents)

    # reading

    def read(self, name: str, ranges: Sequence[tuple[int, int]] | None) -> Window:
        """What an expression sees of an input, or of a definition: the old value of what is updated in place."""
        if name in self.inputs:
            return Window(Approx(self.inputs[name]), (0,) * self.inputs[name].dim())
        if name in self.growing:
            return self._grown_so_far(name, ranges)
        extents = self.extents(self.definitions[name][0])
        inside = ranges is not None and all(
            start >= 0 and stop <= extent for (start, stop), extent in zip(ranges, extents, strict=True)
        )
        whole = not inside or bool(self.growing) or self._is_kept(name)
        return self.whole(name) if whole else self.part(name, tuple(ranges))  # type: ignore[arg-type]

    def _grown_so_far(self, name: str, ranges: Sequence[tuple[int, int]] | None) -> Window:
        """What an expression sees of a recurrence on its way."""
        window = self.growing[name]
        if self.exactly:
            return Window(Approx(window.approx.value), window.origin)
        return part_of_runs(window, ranges) if self.disturbance else window

    def _is_kept(self, name: str) -> bool:
        """Whether a definition is computed as a whole, however little of it is wanted."""
        return name in self.groups or any(each.is_scatter for each in self.definitions[name])

    def whole(self, name: str) -> Window:
        if not self._is_kept(name):
            return self.part(name, tuple((0, extent) for extent in self.extents(self.definitions[name][0])))
        if name not in self.kept:
            if name in self.groups:
                self._step(self.groups[name])
            else:
                self.kept[name] = self._updated(self.definitions[name])
        return self.kept[name]

    def part(self, name: str, ranges: tuple[tuple[int, int], ...]) -> Window:
        """The elements of a definition within `ranges`, one an axis; computed once."""
        if self._is_kept(name):
            return self.whole(name).narrowed(ranges)
        definition = self.definitions[name][0]
        runs = self._computed(definition, definition.value, ranges)
        key = (name, tuple((run.start, run.stop) for run in runs))
        if key not in self.known:
            self.known[key] = Window(self._define(definition, key[1]), tuple(run.start for run in runs))
        return self.known[key].narrowed(ranges)

    # defining

    def _define(self, definition: Definition, ranges: Sequence[tuple[int, int]], value: Expr | None = None) -> Approx:
        """The value of a plain statement (or `value` in its place) within `ranges`."""
        value = definition.value if value is None else value
        computed = self._computed(definition, value, ranges)
        result = self._stored(definition, self.expressions.evaluate(value, Scope(computed)), value)
        result = mapped(result, lambda tensor: tensor.expand([run.size for run in computed]))
        return Window(result, tuple(run.start for run in computed)).narrowed(ranges).approx

    def _computed(self, definition: Definition, value: Expr, ranges: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
        """The ranges, but whole axes where a function along them takes all of it."""
        needed = {node.axis for node in walk(value) if isinstance(node, Along)}
        extents = [self.expressions.extent(axis) for axis in definition.axes]
        return tuple(
            Run(axis.name, *((0, extent) if axis.name in needed else bounds), extent)
            for axis, bounds, extent in zip(definition.axes, ranges, extents, strict=True)
        )

    def _stored(self, definition: Definition, result: Approx, value: Expr) -> Approx:
        """An output is rounded to its dtype."""
        if not definition.is_output:
            return result
        dtype = self.expressions.dtype(definition.dtype)
        return _rounded_again(cast(result, self.expressions.dtype(value.dtype), dtype), dtype)

    def _updated(self, definitions: Sequence[Definition]) -> Window:
        """A target after all of its statements: an output is rounded once, after the last."""
        first, last = definitions[0], definitions[-1]
        base = Approx(self.inputs[first.target]) if first.target in self.inputs else None
        for definition in definitions:
            extents = self.extents(definition)
            if definition.is_scatter:
                base = scattered(definition, base, extents, self.expressions)
            else:
                unrounded = replace(definition, is_output=False)
                base = self._define(unrounded, [(0, extent) for extent in extents])
        assert base is not None
        result = self._stored(last, base, last.value) if last.op == "+=" else base
        return Window(result, (0,) * base.value.dim())

    def _step(self, group: RecurrentGroup) -> None:
        """Compute the definitions of a group together; where bounds grow from step to step, they are measured."""
        found = self._walked(group, watched=self.bounded and self.as_float != "f64")
        if found is None:
            runs = self._walked(with_runs(group), Disturbance())
            found = {name: measured(runs.pop(name)) for name in group.names}
        self.kept.update(found)

    def _walked(
        self, group: RecurrentGroup, disturbance: Disturbance | None = None, *, watched: bool = False
    ) -> dict[str, Window] | None:
        """The definitions of a group, one step after the other; watched, None as soon as a bound has grown.

        Bounds are looked at after 1, 2, 4, 8, … steps, and after the last.
        """
        self.disturbance = disturbance
        for definition in group.definitions:
            self.growing[definition.target] = self._begun(definition, group)
        try:
            count = self.extents(group.definitions[0])[group.axes[group.definitions[0].target]]
            for done in range(1, count + 1):
                step = count - done if group.backward else done - 1
                for definition in group.definitions:
                    self._store_step(definition, group.axes[definition.target], step)
                if watched and (done == count or done & (done - 1) == 0) and self._has_grown(group, step):
                    return None
            return {name: self.growing[name] for name in group.names}
        finally:
            self.disturbance = None
            for name in group.names:
                self.growing.pop(name, None)

    def _has_grown(self, group: RecurrentGroup, step: int) -> bool:
        """Whether a bound at this step is large, and so much larger than what the step itself adds."""
        for definition in group.definitions:
            axis = group.axes[definition.target]
            window, ranges = self.growing[definition.target], self._ranges_at(definition, axis, step)
            carried = window.narrowed(ranges).approx
            if is_large(carried):
                self.exactly = True
                own = self._define(definition, ranges)
                self.exactly = False
                if has_grown(carried, own):
                    return True
        return False

    def _begun(self, definition: Definition, group: RecurrentGroup) -> Window:
        """Room for every step, and for the element before the first one, which is filled in."""
        axis, extents = group.axes[definition.target], list(self.extents(definition))
        steps = extents[axis]
        extents[axis] += definition.initial is not None
        dtype = self.expressions.dtype(definition.dtype)
        value = conform(torch.zeros(extents, dtype=torch.float64, device=self.expressions.device), dtype)
        single = [1, *extents[1:]] if self.disturbance else extents
        error = torch.zeros(single, dtype=torch.float64, device=self.expressions.device) if self.bounded else None
        approx = Approx(value, error)
        shift = -1 if definition.initial is not None and not definition.backward else 0
        window = Window(approx, tuple(shift if at == axis else 0 for at in range(len(extents))))
        if definition.initial is not None and 0 not in extents:
            ranges = [(0, 1 if at == axis else extent) for at, extent in enumerate(extents)]
            initial = self._define(definition, ranges, definition.initial)
            self._put(window, axis, steps if definition.backward else -1, initial)
        return window

    def _store_step(self, definition: Definition, axis: int, step: int) -> None:
        ranges = self._ranges_at(definition, axis, step)
        self._put(self.growing[definition.target], axis, step, self._define(definition, ranges))

    def _ranges_at(self, definition: Definition, axis: int, step: int) -> list[tuple[int, int]]:
        ranges = [(0, extent) for extent in self.extents(definition)]
        ranges[axis] = (step, step + 1)
        return ranges

    def _put(self, window: Window, axis: int, step: int, result: Approx) -> None:
        at = step - window.origin[axis]
        value = window.approx.value.narrow(axis, at, 1)
        error = None if window.approx.error is None else window.approx.error.narrow(axis, at, 1)
        if self.disturbance:
            self.disturbance.store(result, value, error)
            return
        value.copy_(result.value)
        if error is not None:
            error.copy_(result.bound)

    # results

    def results(self, limit: int) -> Iterator[tuple[str, Approx]]:
        """Every definition by name; outputs alone, slice by slice, where one has more than `limit` elements."""
        is_whole = self.largest() <= limit
        for name, (first, *_) in self.definitions.items():
            if is_whole:
                yield name, self.finished(name)
            elif first.is_output:
                yield name, self.sliced(name, limit)

    def finished(self, name: str) -> Approx:
        """A definition from its first element to its last, without the one before a recurrence's first step."""
        ranges = [(0, extent) for extent in self.extents(self.definitions[name][0])]
        return self.whole(name).narrowed(ranges).approx

    def sliced(self, name: str, limit: int) -> Approx:
        """An output, computed in slices along its leading axes so that no definition has more than `limit` elements."""
        definition = self.definitions[name][-1]
        extents = self.extents(definition)
        value = torch.empty(extents, dtype=torch.float64, device=self.expressions.device)
        error = torch.zeros_like(value) if self.bounded else None
        value = conform(value, self.binding.dtype(definition.dtype))
        for ranges in _pieces(extents, math.ceil(self.largest() / limit)):
            part = self.part(name, ranges).approx
            at = tuple(slice(*bounds) for bounds in ranges)
            value[at] = part.value
            if error is not None:
                error[at] = part.bound
            self.known.clear()
        return Approx(value, error)


def _rounded_again(result: Approx, dtype: DType) -> Approx:
    """The error with what rounding adds because the rounded number is itself off by it: e + u·e."""
    if result.is_exact or not dtype.is_float:
        return result
    return Approx(result.value, result.laid_out(1 + dtype.unit_roundoff))


def _pieces(extents: tuple[int, ...], count: int) -> list[tuple[tuple[int, int], ...]]:
    """Ranges that cover an output in at least `count` pieces, or one element each, cut along the leading axes."""
    pieces: list[tuple[tuple[int, int], ...]] = [()]
    for extent in extents:
        step = max(1, math.ceil(extent / count))
        cuts = [(start, min(start + step, extent)) for start in range(0, extent, step)]
        pieces = [(*piece, cut) for piece in pieces for cut in cuts]
        count = math.ceil(count / max(1, len(cuts)))
    return pieces
