"""What the generated tests of an op share: cases, oracle, refusals, torch registration.

A test file makes one `OpSuite` and calls one method a test. Everything runs on the GPU where there is one and emulated
on the CPU otherwise. Failures are AssertionErrors that name the case. For tests of one's own there are the cases as a
hypothesis strategy (`cases_of`) and as text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .analysis.binding import Binding, clause_holds, holds, shape_of
from .analysis.case_text import case_text, parse_case
from .analysis.cases import Case, draw_cases, make_inputs
from .analysis.strategies import cases_of, output_dims
from .check import load_spec
from .diagnostics.concise import render_concise
from .diagnostics.diagnostic import Sink
from .ir.dtypes import DTYPES
from .ir.nodes import DimRef, Expr
from .ir.show import show_expr
from .ir.spec import Spec, TensorDecl
from .ir.walk import walk
from .scaffold.naming import dtype_parameter, safe_name
from .scaffold.op_checks import ranked_inputs

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ("OpSuite", "case_text", "cases_of", "draw_cases", "load", "make_inputs", "parse_case")

_EXTENTS = (0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 32, 40, 64, 128, 129, 256, 257, 272, 512, 528, 1040)


class OpSuite:
    """The tests of one op against its spec.

    `op` is the generated function: tensors by position, required ones first; params and free dtypes by keyword. `count`
    cases are drawn for each run, with `static_shapes` combinations of static dims, each of which costs a build.
    """

    namespace = "tospec"
    """Where torch.ops has the operator."""

    def __init__(self, spec: Path, op: Callable[..., Any], *, count: int = 20, static_shapes: int = 3, seed: int = 0):
        self.spec = load(spec)
        self.op = op
        self.cases: tuple[Case, ...] = draw_cases(self.spec, count=count, seed=seed, static_shapes=static_shapes)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(tensor.name for tensor in self.spec.inputs)

    @property
    def ranked(self) -> tuple[str, ...]:
        """Names of the inputs that have wrong ranks: all but one that is a group of axes which no other input has."""
        return ranked_inputs(self.spec)

    @cached_property
    def device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def smallest(self) -> Case:
        """The case with the fewest elements in its inputs."""
        return min(self.cases, key=self._elements)

    @property
    def shared_axes(self) -> tuple[tuple[str, int], ...]:
        """Axes, as (tensor, axis), whose extent another axis has fixed: one that is longer must be refused."""
        seen: set[str] = set()
        shared = []
        for tensor in self.spec.inputs:
            for axis, extent in enumerate(tensor.shape):
                if isinstance(extent, DimRef) and not self.spec.dim(extent.name).spread:
                    shared += [(tensor.name, axis)] if extent.name in seen else []
                    seen.add(extent.name)
        return tuple(shared)

    @cached_property
    def violations(self) -> tuple[tuple[Expr, Binding], ...]:
        """Each `where` clause with the smallest dims that break it and no other, where there are such dims."""
        return tuple((clause, broken) for clause in self.spec.where for broken in self._breaking(clause))

    def check_values(self, case: Case) -> None:
        """Outputs within the error bound of the oracle; inputs left as they were."""
        inputs = make_inputs(self.spec, case)
        on_device = self._on_device(inputs)
        outputs = self._call(case, on_device)
        self._check_outputs(case, inputs, outputs)
        for name, tensor in inputs.items():
            if name in self.spec.in_place:
                continue
            same = _bits(on_device[name].cpu()).equal(_bits(tensor))
            assert same, f"{case.label}: the kernel changed its input {name}"

    def check_non_contiguous(self) -> None:
        """Inputs whose memory is not in row-major order, and those that begin off a 16-byte boundary."""
        case = min(self.cases, key=lambda case: (self._rows(case) < 2, self._elements(case)))
        inputs = make_inputs(self.spec, case)
        on_device = self._on_device(inputs)
        for rearranged in (_transposed, _shifted):
            views = {name: rearranged(tensor) for name, tensor in on_device.items()}
            self._check_outputs(case, inputs, self._call(case, views))

    def check_empty(self) -> None:
        """Each dim of an output at 0 where the clauses allow it: outputs of the right shape with no elements."""
        for name in sorted(output_dims(self.spec)):
            binding = self._with_dims(self.smallest.binding(self.spec), {name: 0})
            if holds(self.spec, binding):
                continue
            outputs = self._call_binding(binding, self._zeros(binding))
            for tensor in self.spec.outputs:
                found = tuple(outputs[tensor.name].shape)
                assert found == shape_of(tensor, binding), f"{name} = 0: {tensor.name} {found}"

    def check_wrong_dtype(self, name: str) -> None:
        """An input of a dtype that the spec does not name is refused, by name."""
        import torch

        binding, tensors = self._small_inputs()
        tensors[name] = tensors[name].to(torch.complex64)
        _refuses(TypeError, name, lambda: self._call_binding(binding, tensors))

    def check_wrong_rank(self, name: str) -> None:
        """An input with an axis too many, or one too few where a group takes any number, is refused, by name."""
        binding, tensors = self._small_inputs()
        spread = any(isinstance(e, DimRef) and self.spec.dim(e.name).spread for e in self.spec.tensor(name).shape)
        tensors[name] = tensors[name].flatten()[0] if spread else tensors[name][None]
        _refuses(ValueError, name, lambda: self._call_binding(binding, tensors))

    def check_wrong_extent(self, name: str, axis: int) -> None:
        """An input with one element too many along an axis is refused, by name."""
        import torch

        binding, tensors = self._small_inputs()
        tensor = tensors[name]
        tensors[name] = torch.cat([tensor, tensor.narrow(axis, 0, 1)], dim=axis)
        _refuses(ValueError, name, lambda: self._call_binding(binding, tensors))

    def check_violation(self, clause: Expr, binding: Binding) -> None:
        """Shapes that break a clause are refused with its text."""
        _refuses(ValueError, show_expr(clause), lambda: self._call_binding(binding, self._zeros(binding)))

    def check_registration(self) -> None:
        """torch.library.opcheck: schema, fake implementation, autograd registration, tracing."""
        import torch

        case = self.smallest
        tensors = self._arrange(self._on_device(make_inputs(self.spec, case)))
        overload = getattr(getattr(torch.ops, self.namespace), self.spec.op).default
        arguments = [tensors.get(each.name) for each in self.spec.call_inputs]
        torch.library.opcheck(overload, tuple(arguments), self._options(case.params, case.dtypes))

    def check_compile(self) -> None:
        """torch.compile without graph breaks and with symbolic shapes gives what the plain call gives."""
        import torch

        compiled = torch.compile(self.op, fullgraph=True, dynamic=True, backend="aot_eager")
        case = self.smallest
        tensors = self._arrange(self._on_device(make_inputs(self.spec, case)))
        options = self._options(case.params, case.dtypes)
        expected = self._result(self.op, {name: each.clone() for name, each in tensors.items()}, options)
        outputs = self._result(compiled, {name: each.clone() for name, each in tensors.items()}, options)
        for name, output in outputs.items():
            plain = expected[name]
            assert output.dtype == plain.dtype, f"{name}: {output.dtype}, not {plain.dtype}"
            assert _bits(output).equal(_bits(plain)), f"{name} differs under torch.compile"

    # calls

    def _call(self, case: Case, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._result(self.op, self._arrange(tensors), self._options(case.params, case.dtypes))

    def _call_binding(self, binding: Binding, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._result(self.op, tensors, self._options(binding.params.items(), binding.dtypes.items()))

    def _result(self, op: Any, tensors: Mapping[str, Tensor], options: Mapping[str, Any]) -> dict[str, Tensor]:
        """The outputs of a call, tensors updated in place included, with groups of axes flattened as the oracle has
        them. Inputs go by position up to the first that is absent."""
        given = [(safe_name(each.name), tensors.get(each.name)) for each in self.spec.call_inputs]
        required = [tensor for _, tensor in given if tensor is not None]
        by_name = {}
        if any(tensor is None for _, tensor in given):
            required, by_name = [], {name: tensor for name, tensor in given if tensor is not None}
        returned = op(*required, **by_name, **options)
        new = [] if returned is None else _as_tuple(returned)
        outputs = {decl.name: output for decl, output in zip(self.spec.new_outputs, new, strict=True)}
        outputs |= {name: tensors[name] for name in self.spec.in_place}
        return {name: _flattened(each, self.spec.tensor(name), self.spec) for name, each in outputs.items()}

    def _options(self, params: Iterable[tuple[str, Any]], dtypes: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Params, and the dtypes that no input tells, as keywords of the op."""
        import torch

        bound = dict(dtypes)
        options = {safe_name(name): value for name, value in dict(params).items()}
        for variable in self.spec.free_dtypes:
            dtype = DTYPES[bound.get(variable.name, variable.options[0])]
            options[dtype_parameter(self.spec, variable.name)] = getattr(torch, dtype.torch)
        return options

    def _check_outputs(self, case: Case, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> None:
        from .analysis.compare import compare
        from .analysis.expected import expected_outputs

        expected = expected_outputs(self.spec, case.binding(self.spec), inputs)
        for name, output in outputs.items():
            mismatch = compare(name, output.cpu(), expected[name])
            assert mismatch is None, f"{case.label}: {mismatch.message}"

    # inputs

    def _on_device(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self.device, copy=True) for name, tensor in tensors.items()}

    def _arrange(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Groups of axes as two axes, as callers of the op have them; where that is a view."""
        return {name: _grouped(tensor, self.spec.tensor(name), self.spec) for name, tensor in tensors.items()}

    def _small_inputs(self) -> tuple[Binding, dict[str, Tensor]]:
        binding = self.smallest.binding(self.spec)
        return binding, self._zeros(binding)

    def _zeros(self, binding: Binding) -> dict[str, Tensor]:
        import torch

        return {
            tensor.name: torch.zeros(
                shape_of(tensor, binding), dtype=getattr(torch, binding.dtype(tensor.dtype).torch), device=self.device
            )
            for tensor in self.spec.inputs
        }

    def _elements(self, case: Case) -> int:
        binding = case.binding(self.spec)
        return sum(math.prod(shape_of(tensor, binding)) for tensor in self.spec.inputs)

    # shapes

    def _rows(self, case: Case) -> int:
        """The least extent of an input's first and last axis, inputs of one axis aside: with 1, every order of memory
        is row-major."""
        binding = case.binding(self.spec)
        shapes = (shape_of(tensor, binding) for tensor in self.spec.inputs if len(tensor.shape) > 1)
        return min((min(shape[0], shape[-1]) for shape in shapes), default=1)

    def _breaking(self, clause: Expr) -> Iterator[Binding]:
        """At most one binding: the dims of the clause over a few extents, the fewest elements first."""
        base = self.smallest.binding(self.spec)
        names = tuple(dict.fromkeys(part.name for part in walk(clause) if isinstance(part, DimRef)))
        for extents in sorted(product(_EXTENTS[1:], repeat=min(len(names), 2)), key=math.prod):
            binding = self._with_dims(base, dict(zip(names, extents)))  # noqa: B905
            if not clause_holds(clause, binding) and holds(self.spec, binding) == [clause]:
                yield binding
                return

    @staticmethod
    def _with_dims(binding: Binding, dims: Mapping[str, int]) -> Binding:
        return Binding(dtypes=binding.dtypes, dims={**binding.dims, **dims}, params=binding.params)


def load(path: Path) -> Spec:
    """The spec of a file; ValueError with its findings where it has errors."""
    sink = Sink()
    spec = load_spec(path, sink)
    if spec is None:
        raise ValueError("\n".join(render_concise(each, sink.sources) for each in sink.diagnostics))
    return spec


def _refuses(error: type[Exception], text: str, call: Callable[[], object]) -> None:
    refusal = None
    try:
        call()
    except error as raised:
        refusal = raised
    assert refusal is not None, f"no {error.__name__} that names {text}"
    assert text in str(refusal), f"the refusal does not name {text}: {refusal}"


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _bits(tensor: Tensor) -> Tensor:
    """The tensor's bytes: NaNs equal themselves."""
    import torch

    return tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor.reshape(1).view(torch.uint8)


def _transposed(tensor: Tensor) -> Tensor:
    """The same values with the last axis outermost in memory; a stride of 2 where there is one axis."""
    if tensor.dim() >= 2:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    return tensor.repeat_interleave(2)[::2] if tensor.dim() else tensor


def _shifted(tensor: Tensor) -> Tensor:
    """The same values, contiguous, one element past a 16-byte boundary."""
    import torch

    memory = torch.empty(tensor.numel() + 1, dtype=tensor.dtype, device=tensor.device)
    return memory[1:].view(tensor.shape).copy_(tensor)


def _spread_axis(decl: TensorDecl, spec: Spec) -> int | None:
    axes = (axis for axis, each in enumerate(decl.shape) if isinstance(each, DimRef) and spec.dim(each.name).spread)
    return next(axes, None)


def _grouped(tensor: Tensor, decl: TensorDecl, spec: Spec) -> Tensor:
    """The axis of a group as two axes, the first the group's least factor."""
    axis = _spread_axis(decl, spec)
    if axis is None:
        return tensor
    extent = tensor.shape[axis]
    factor = next((each for each in range(2, extent) if extent % each == 0), 1)
    return tensor.unflatten(axis, (factor, extent // factor))


def _flattened(tensor: Tensor, decl: TensorDecl, spec: Spec) -> Tensor:
    axis = _spread_axis(decl, spec)
    if axis is None:
        return tensor
    last = axis + tensor.dim() - len(decl.shape)
    return tensor.flatten(axis, last) if last >= axis else tensor.unsqueeze(axis)
