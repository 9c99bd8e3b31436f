"""Everything that kernel.py.j2 says, decided."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.dtypes import DTYPES
from ..ir.spec import Param, Spec, TensorDecl
from .body import Body
from .describe import alternatives, dtype_options, math_lines, shape_text, where_text, wrapped
from .naming import (
    all_names,
    dtype_parameter,
    factory_name,
    has_ambiguous_names,
    kernel_class,
    presence_flag,
    safe_name,
    spec_location,
)
from .python_code import names_in, python_expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of the factory: its name, its default as source or None, and what the docstring says of it."""

    name: str
    default: str | None
    doc: str

    @property
    def declaration(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTensor:
    """One parameter of the prim_func; `shape` and `dtype` are source, `doc` is for people."""

    name: str
    shape: str
    dtype: str
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A param whose default is an expression: `value` stands in where None was passed."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelContext:
    op: str
    spec_path: str
    ambiguous_names: bool
    summary: str
    math: tuple[str, ...]
    where: str
    factory: str
    kernel_class: str
    uses_math: bool
    static_dims: tuple[Argument, ...]
    dynamic_dims: tuple[tuple[str, str], ...]
    dtypes: tuple[Argument, ...]
    params: tuple[Argument, ...]
    resolutions: tuple[Resolution, ...]
    tensors: tuple[KernelTensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    in_place: tuple[str, ...]
    tunables: tuple[tuple[str, str, str], ...]
    fixed: str
    written: str

    @property
    def written_first(self) -> str:
        """A tensor that a call writes."""
        return (*self.outputs, *self.in_place)[0]

    @property
    def shape_arguments(self) -> tuple[Argument, ...]:
        """What a build of the kernel is for, tunables aside."""
        return (*self.static_dims, *self.dtypes)

    @property
    def signature(self) -> str:
        """The factory's parameters."""
        options = [param.declaration for param in self.params]
        options += [f"{name}={default}" for name, default, _ in self.tunables]
        keywords = ["*", *options] if options else []
        return ", ".join([*(argument.declaration for argument in self.shape_arguments), *keywords])

    @property
    def prim_func_signature(self) -> str:
        return ", ".join(f"{tensor.name}: T.Tensor({tensor.shape}, {tensor.dtype})" for tensor in self.tensors)


def kernel_context(spec: Spec, body: Body | None) -> KernelContext:
    params = tuple(_param(param, spec) for param in spec.params)
    resolutions = tuple(_resolutions(spec, params))
    params += tuple(_flag(tensor) for tensor in spec.inputs if tensor.default is not None)
    tensors = tuple(_tensor(tensor, spec) for tensor in (*spec.inputs, *spec.new_outputs))
    outputs = tuple(safe_name(tensor.name) for tensor in spec.new_outputs)
    in_place = tuple(safe_name(name) for name in spec.in_place)
    return KernelContext(
        op=spec.op,
        spec_path=spec_location(spec),
        ambiguous_names=has_ambiguous_names(all_names(spec)),
        summary=wrapped(spec.summary, 0),
        math=math_lines(spec, 8),
        where=where_text(spec),
        factory=factory_name(spec.op),
        kernel_class=kernel_class(spec.op),
        uses_math=any("math." in each.value for each in resolutions),
        static_dims=tuple(_static_dim(dim.name, spec) for dim in spec.static_dims),
        dynamic_dims=tuple((safe_name(dim.name), dim.name) for dim in spec.dynamic_dims),
        dtypes=tuple(_dtype(variable.name, spec) for variable in spec.dtypes),
        params=params,
        resolutions=resolutions,
        tensors=tensors,
        inputs=tuple(safe_name(tensor.name) for tensor in spec.inputs),
        outputs=outputs,
        in_place=in_place,
        tunables=tuple(_tunable(name, values) for name, values in (body.tunables if body else ())),
        fixed=_fixed(spec),
        written=" and ".join((*outputs, *in_place)),
    )


def _static_dim(name: str, spec: Spec) -> Argument:
    places = (f"axis {axis} of {tensor.name}" for tensor in spec.inputs for axis in _axes_of(name, tensor))
    return Argument(name=safe_name(name), default=None, doc=f"extent of {', '.join(places) or 'a dim'}.")


def _axes_of(dim: str, tensor: TensorDecl) -> tuple[int, ...]:
    return tuple(axis for axis, extent in enumerate(tensor.shape) if dim in names_in(extent)[0])


def _dtype(variable: str, spec: Spec) -> Argument:
    names = dtype_options(spec, variable)
    quoted = alternatives(tuple(f'"{name}"' for name in names))
    return Argument(
        name=dtype_parameter(spec, variable), default=f'"{names[0]}"', doc=f"{variable} of the spec: {quoted}."
    )


def _param(param: Param, spec: Spec) -> Argument:
    """A default that is a literal stands in the signature; one over static dims stands for None; others have none."""
    name, doc = safe_name(param.name), f"{DTYPES[param.dtype].torch}, fixed in the build"
    if param.default is None or _needs_dynamic(param, spec):
        return Argument(name=name, default=None, doc=f"{doc}.")
    source = python_expr(param.default)
    if any(names_in(param.default)) or "math." in source:
        return Argument(name=name, default="None", doc=f"{doc}; None stands for {source}.")
    return Argument(name=name, default=source, doc=f"{doc}.")


def _flag(tensor: TensorDecl) -> Argument:
    """Whether an optional input is given: fixed in the build, so that a kernel without it does not read it."""
    doc = f"whether {tensor.name} is given; else its buffer is one element that is not to be read."
    return Argument(name=presence_flag(tensor), default="True", doc=doc)


def _needs_dynamic(param: Param, spec: Spec) -> bool:
    """Whether the default uses a dim that a build does not know, directly or through another param."""
    dims, params = names_in(param.default) if param.default is not None else ((), ())
    dynamic = {dim.name for dim in spec.dynamic_dims}
    others = (other for other in spec.params if other.name in params)
    return bool(dynamic.intersection(dims)) or any(_needs_dynamic(other, spec) for other in others)


def _resolutions(spec: Spec, params: tuple[Argument, ...]) -> list[Resolution]:
    pairs = zip(spec.params, params, strict=True)
    return [
        Resolution(name=argument.name, value=python_expr(param.default))
        for param, argument in pairs
        if argument.default == "None" and param.default is not None
    ]


def _tensor(tensor: TensorDecl, spec: Spec) -> KernelTensor:
    """A tensor without axes is one element to the kernel: TileLang has no buffers of rank 0."""
    extents = [python_expr(extent) for extent in tensor.shape] or ["1"]
    if tensor.default is not None:
        extents = [f"{extent} if {presence_flag(tensor)} else 1" for extent in extents if extent != "1"] or ["1"]
    shape = f"({', '.join(extents)},)" if len(extents) == 1 else f"({', '.join(extents)})"
    variables = {variable.name for variable in spec.dtypes}
    dtype = dtype_parameter(spec, tensor.dtype) if tensor.dtype in variables else f'"{DTYPES[tensor.dtype].tilelang}"'
    return KernelTensor(
        name=safe_name(tensor.name), shape=shape, dtype=dtype, doc=shape_text(tensor, spec) if tensor.shape else "(1,)"
    )


def _tunable(name: str, values: tuple) -> tuple[str, str, str]:
    """Name, default and candidates, as source."""
    candidates = ", ".join(map(repr, values))
    return name, repr(values[0]), f"({candidates},)" if len(values) == 1 else f"({candidates})"


def _fixed(spec: Spec) -> str:
    """`K, N, dtype and tunables`: what one build is for."""
    names = [safe_name(dim.name) for dim in spec.static_dims]
    names += [dtype_parameter(spec, variable.name) for variable in spec.dtypes]
    names += [safe_name(param.name) for param in spec.params]
    names += [presence_flag(tensor) for tensor in spec.inputs if tensor.default is not None]
    return f"{', '.join(names)} and tunables" if names else "one choice of tunables"
