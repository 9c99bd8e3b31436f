"""The mathematics against the references of a spec, before any kernel is asked for."""

from __future__ import annotations

import builtins
import importlib
import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..check.reference_names import BUILTINS
from ..diagnostics.diagnostic import Severity, Sink
from ..ir.dtypes import DTYPES, DType
from ..ir.nodes import DimRef
from ..ir.spec import Reference, Spec, TensorDecl
from .binding import Binding, holds, shape_of
from .cases import Case, Unsatisfiable, check_satisfiable, draw_cases, make_inputs
from .compare import Mismatch, compare
from .estimate import Estimate, rounding
from .oracle import OracleError, evaluate
from .shrink import Budget, shrink_case
from .widening import wide as widened

LEADING: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3))
"""What a group of axes stands for in turn, besides one axis of the case's extent."""
_CASES = 10
_SLACK = 4.0
"""Both sides of a comparison in float64 round, and the bound covers one."""
_CHOOSES_DTYPE = re.compile(r"float|half|double")
_BUILTINS = {name: getattr(builtins, name) for name in BUILTINS}


class ReferenceError(Exception):
    """The reference raised, or returned something else than the outputs; the message says what."""


def call_reference(
    reference: Reference,
    spec: Spec,
    binding: Binding,
    tensors: Mapping[str, Tensor],
    *,
    leading: Mapping[str, tuple[int, ...]] | None = None,
    wide: bool = False,
) -> dict[str, Tensor]:
    """The outputs by name, with groups of axes flattened, as the reference computes them from copies of `tensors`.

    `tensors` have their groups flattened; `leading` gives the axes that each group stands for (by default one axis).
    The expression sees torch, math, its own library, the tensors, the constants, the params, the dims (a group as its
    tuple of extents) and the dtype variables as torch dtypes; what it makes lies where the tensors lie. `wide`: floats
    are float64, and so are those variables.
    """
    if wide:
        tensors = {name: each.double() if each.is_floating_point() else each for name, each in tensors.items()}
    groups = {dim.name: (binding.dims[dim.name],) for dim in spec.dims if dim.spread} | dict(leading or {})
    given = {
        each.name: _unflatten(each, tensors[each.name].clone(), binding, groups) if each.name in tensors else None
        for each in spec.inputs
    }
    constants = {each.name: each.value for each in spec.constants}
    dtypes = {var.name: _torch_dtype(binding.dtype(var.name), wide=wide) for var in spec.dtypes}
    scalars = {**constants, **binding.params, **binding.dims}
    names = {"torch": torch, "math": math, "wide": widened, **dtypes, **scalars, **groups, **given}
    try:
        names = _library(reference) | names
        code = compile(f"({reference.expression}\n)", f"<reference {reference.library}>", "eval")
        with _plain_kernels(), default_device(given.values()):
            result = eval(code, {"__builtins__": _BUILTINS, **names})
    except Exception as error:
        raise ReferenceError(f"{type(error).__name__}: {error}") from error
    return dict(_outputs(result, spec, binding, groups))


@contextmanager
def default_device(arguments: Iterable[object]) -> Iterator[None]:
    """Where the first tensor lies, there tensors are made: an expression need not say `device=`."""
    tensor = next((each for each in arguments if isinstance(each, Tensor)), None)
    at_home = tensor is None or tensor.device.type == "cpu"
    with nullcontext() if at_home else torch.device(tensor.device):
        yield


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """torch's own loops on a CPU: oneDNN's f16 convolutions crash on some small shapes, and NNPACK's are transforms
    that lose digits."""
    mkldnn, enabled = torch.backends.mkldnn, torch.backends.mkldnn.enabled
    mkldnn.enabled = False  # its own context manager warns of Intel's GPUs
    try:
        with torch.backends.nnpack.flags(enabled=False):
            yield
    finally:
        mkldnn.enabled = enabled


def _torch_dtype(dtype: DType, *, wide: bool) -> torch.dtype:
    return torch.float64 if wide and dtype.is_float else getattr(torch, dtype.torch)


def _library(reference: Reference) -> dict[str, object]:
    """The library that a reference is named for, where its expression names it. Raises ImportError."""
    name = reference.library
    if not re.search(rf"\b{re.escape(name)}\b", reference.expression) or not name.isidentifier():
        return {}
    return {name: importlib.import_module(name)}


def check_references(
    spec: Spec,
    sink: Sink,
    *,
    cases: Sequence[Case] | None = None,
    exactly: bool = False,
    budget: Budget | None = None,
) -> Case | None:
    """TS201 and TS202 for each reference, at its first case that fails; TS120 where no case can be drawn.

    Groups of axes stand for one of LEADING in turn; where it is to be `exactly` these cases, only for those that have
    the case's extent. With a `budget`, the first case that fails is made smaller, while an error of its code stays:
    it is the smaller one that is reported, and that comes back.

    A reference is called with float64 copies of the inputs. Its results are held to the bound of the mathematics in
    float64, or in float32 where its expression chooses dtypes itself. It is called with the declared dtypes as well,
    where it is held to the bound of computing everything in the output's dtype: straying there is a warning.
    """
    try:
        cases = draw_cases(spec, count=_CASES, seed=0) if cases is None else cases
    except Unsatisfiable:
        check_satisfiable(spec, sink)
        return None
    minimal = None
    try:
        for reference in spec.references:
            for finding in _findings(reference, spec, cases, exactly=exactly):
                if budget is not None and minimal is None and finding.severity is Severity.ERROR:
                    finding = _minimal(finding, reference, spec, budget)
                    minimal = finding.case
                finding.report(reference, sink)
                break
    except Unsatisfiable as error:
        help_text = "look for clauses on data that contradict each other, or bound the shapes so that data exist"
        sink.error("TS120", str(error), spec.assumptions[0].span, help=help_text)
    return minimal


def _minimal(found: _Finding, reference: Reference, spec: Spec, budget: Budget) -> _Finding:
    """The same finding at the smallest case that shows it; as it is where it does not come back at all."""
    alike: dict[Case, _Finding] = {}

    def fails(cases: Sequence[Case]) -> list[bool]:
        for case in cases:
            with suppress(Unsatisfiable):
                for each in _findings(reference, spec, (case,), exactly=True):
                    if (each.code, each.severity) == (found.code, found.severity):
                        alike.setdefault(case, each)
        return [case in alike for case in cases]

    fails((found.case,))
    return alike[shrink_case(spec, found.case, fails, budget)] if alike else found


@dataclass(frozen=True)
class _Finding:
    code: str
    message: str
    help: str
    case: Case
    severity: Severity = Severity.ERROR

    def report(self, reference: Reference, sink: Sink) -> None:
        report = sink.error if self.severity is Severity.ERROR else sink.warning
        report(self.code, self.message, reference.span, help=self.help)


def _findings(reference: Reference, spec: Spec, cases: Sequence[Case], *, exactly: bool = False) -> Iterator[_Finding]:
    """Errors before warnings."""
    warnings = []
    for at, case in enumerate(_as_seen(reference, spec, cases)):
        for each in _every_grouping(spec, case) if exactly else (_with_groups(spec, case, at),):
            for finding in _try_case(reference, spec, *each):
                if finding.severity is Severity.ERROR:
                    yield finding
                warnings.append(finding)
    yield from warnings


def _as_seen(reference: Reference, spec: Spec, cases: Sequence[Case]) -> list[Case]:
    """The cases with the default of each param, and without each optional input, that the reference does not name.

    So a reference that leaves a param out says what its default is. Shapes that the default does not allow are left
    out, unless no case would be left.
    """
    words = set(re.findall(r"\w+", reference.expression))
    seen = (_with_defaults(spec, case, words) for case in cases)
    return [case for case in seen if not holds(spec, case.binding(spec))] or list(cases)


def _with_defaults(spec: Spec, case: Case, given: Container[str]) -> Case:
    """The case with the default of each param, and without each optional input, that is not `given`."""
    optional = (each.name for each in spec.inputs if each.default is not None)
    absent = tuple(name for name in optional if name in case.absent or name not in given)
    params = tuple((name, value) for name, value in case.params if name in given or not _has_default(name, spec))
    return replace(case, params=params, absent=absent)


def _has_default(param: str, spec: Spec) -> bool:
    return any(each.name == param and each.default is not None for each in spec.params)


def _with_groups(spec: Spec, case: Case, at: int) -> tuple[Case, dict[str, tuple[int, ...]]]:
    """The case with its groups of axes standing for one of LEADING, as far as `where` allows; and what they are."""
    groups = [dim.name for dim in spec.dims if dim.spread]
    shape = (*LEADING, None)[at % (len(LEADING) + 1)]
    if shape is not None:
        dims = tuple((name, math.prod(shape) if name in groups else value) for name, value in case.dims)
        changed = replace(case, dims=dims)
        if not holds(spec, changed.binding(spec)):
            return changed, dict.fromkeys(groups, shape)
    return case, {}


def _every_grouping(spec: Spec, case: Case) -> Iterator[tuple[Case, dict[str, tuple[int, ...]]]]:
    """The case with its groups as one axis, and as those of LEADING that have its extent."""
    yield case, {}
    groups = {dim.name: dict(case.dims)[dim.name] for dim in spec.dims if dim.spread}
    for shape in LEADING:
        if groups and set(groups.values()) == {math.prod(shape)}:
            yield case, dict.fromkeys(groups, shape)


def _try_case(
    reference: Reference, spec: Spec, case: Case, leading: Mapping[str, tuple[int, ...]]
) -> Iterator[_Finding]:
    run = _Run(reference, spec, case, leading)
    try:
        wide = run.call(wide=True)
    except ReferenceError:
        wide = None  # many libraries have no float64: the declared dtypes decide then
    try:
        declared = run.call(wide=False)
    except ReferenceError as error:
        yield run.failed(error, Severity.ERROR if wide is None else Severity.WARNING)
        declared = None
    if declared is not None:
        yield from run.wrong_dtypes(declared)
    try:
        if wide is not None and spec.math:
            yield from run.disagreements(wide, "f32" if run.chooses_dtype else "f64", Severity.ERROR)
        if declared is not None and spec.math:
            severity = Severity.ERROR if wide is None else Severity.WARNING
            yield from run.disagreements(declared, run.narrowest(), severity)
    except OracleError as error:
        yield run.no_value(error)


@dataclass(frozen=True)
class _Run:
    """One reference on one case."""

    reference: Reference
    spec: Spec
    case: Case
    leading: Mapping[str, tuple[int, ...]]

    @property
    def place(self) -> str:
        axes = "".join(f" ({name} = {list(shape)})" for name, shape in self.leading.items())
        return f"case `{self.case.label}`{axes}"

    @property
    def chooses_dtype(self) -> bool:
        return bool(_CHOOSES_DTYPE.search(self.reference.expression))

    def inputs(self) -> dict[str, Tensor]:
        return make_inputs(self.spec, self.case)

    def call(self, *, wide: bool) -> dict[str, Tensor]:
        """The reference's outputs, from inputs in float64 or in their own dtypes."""
        binding = self.case.binding(self.spec)
        return call_reference(self.reference, self.spec, binding, self.inputs(), leading=self.leading, wide=wide)

    def wrong_dtypes(self, declared: Mapping[str, Tensor]) -> Iterator[_Finding]:
        """TS203 for each output that the reference gives another dtype, from inputs of the declared ones."""
        binding = self.case.binding(self.spec)
        for output in self.spec.outputs:
            wanted = _torch_dtype(binding.dtype(output.dtype), wide=False)
            if declared[output.name].dtype != wanted:
                found = str(declared[output.name].dtype).removeprefix("torch.")
                message = (
                    f"`{self.reference.library}` returns {output.name} in {found}, and the spec declares "
                    f"{binding.dtype(output.dtype).name}, in {self.place}"
                )
                help_text = "correct the signature, or let the reference end with `.to(…)`, such as `.to(T)`"
                yield _Finding("TS203", message, help_text, self.case)

    def narrowest(self) -> str | None:
        """The float dtype of least precision among the outputs."""
        binding = self.case.binding(self.spec)
        floats = [dtype for each in self.spec.outputs if (dtype := binding.dtype(each.dtype)).is_float]
        return min(floats, key=lambda dtype: dtype.precision).name if floats else None

    def disagreements(
        self, actual: Mapping[str, Tensor], as_float: str | None, severity: Severity
    ) -> Iterator[_Finding]:
        expected = evaluate(self.spec, self.case.binding(self.spec), self.inputs(), as_float=as_float)
        for output in self.spec.outputs:
            estimate = expected[output.name]
            bound = estimate.error * _SLACK + _own_rounding(actual[output.name], estimate)
            mismatch = compare(output.name, actual[output.name], Estimate(estimate.value, bound))
            if mismatch is not None:
                yield self.disagreement(mismatch, severity, str(actual[output.name].dtype).removeprefix("torch."))

    def disagreement(self, found: Mismatch, severity: Severity, dtype: str) -> _Finding:
        place = f"{found.tensor}[{', '.join(map(str, found.index))}]"
        message = (
            f"`{self.reference.library}` gives {place} = {found.actual:.8g} where the mathematics gives "
            f"{found.expected:.8g} ± {found.bound:.2g}, in {self.place}, computed in {dtype}; "
            f"{found.count} of {found.total} elements differ"
        )
        if severity is Severity.ERROR:
            help_text = "one of the two is wrong: compare them term by term on the smallest shape that fails"
        else:
            help_text = "in float64 they agree: this reference rounds more than its dtype asks for"
        return _Finding("TS201", message, help_text, self.case, severity)

    def failed(self, error: ReferenceError, severity: Severity) -> _Finding:
        message = f"`{self.reference.library}` fails in {self.place}: {error}"
        names = ", ".join(
            ("torch", "math", *(each.name for each in (*self.spec.inputs, *self.spec.dims, *self.spec.params)))
        )
        help_text = f"the expression sees {names}, and returns {_form(self.spec)}"
        if severity is Severity.WARNING:
            help_text = "it works in float64: on a machine without a GPU some dtypes are missing"
        return _Finding("TS202", message, help_text, self.case, severity)

    def no_value(self, error: OracleError) -> _Finding:
        message = f"the mathematics has no value in {self.place}: {error}"
        return _Finding("TS201", message, "narrow `where`, or keep the index in range", self.case)


def _own_rounding(actual: Tensor, expected: Estimate) -> Tensor | float:
    """The rounding of a reference that returns a narrower dtype than it was called with."""
    dtype = next((each for each in DTYPES.values() if getattr(torch, each.torch) == actual.dtype), None)
    error = rounding(expected.value, dtype) if dtype is not None and expected.value.is_floating_point() else None
    return 0.0 if error is None else error.nan_to_num(nan=0.0)


def _form(spec: Spec) -> str:
    names = [output.name for output in spec.outputs]
    return f"the tensor {names[0]}" if len(names) == 1 else f"the tuple ({', '.join(names)})"


def _is_group(extent: object, groups: Mapping[str, tuple[int, ...]]) -> bool:
    return isinstance(extent, DimRef) and extent.name in groups


def _full_shape(tensor: TensorDecl, binding: Binding, groups: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The extents with every group spelt out."""
    flat = zip(tensor.shape, shape_of(tensor, binding), strict=True)
    parts = (groups[extent.name] if _is_group(extent, groups) else (size,) for extent, size in flat)  # type: ignore[union-attr]
    return tuple(size for part in parts for size in part)


def _unflatten(tensor: TensorDecl, value: Tensor, binding: Binding, groups: Mapping[str, tuple[int, ...]]) -> Tensor:
    return value.reshape(_full_shape(tensor, binding, groups))


def _outputs(
    result: object, spec: Spec, binding: Binding, groups: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, Tensor]]:
    values = (result,) if isinstance(result, Tensor) else result
    if isinstance(values, dict):
        values = tuple(values.get(output.name) for output in spec.outputs)
    if not isinstance(values, tuple | list) or len(values) != len(spec.outputs):
        raise ReferenceError(f"it returned {type(result).__name__}, not {_form(spec)}")
    for output, value in zip(spec.outputs, values, strict=True):
        shape = _full_shape(output, binding, groups)
        if not isinstance(value, Tensor):
            raise ReferenceError(f"for {output.name} it returned {type(value).__name__}, not a tensor")
        if tuple(value.shape) != shape:
            raise ReferenceError(f"for {output.name} it returned the shape {tuple(value.shape)}, not {shape}")
        yield output.name, value.reshape(shape_of(output, binding))
