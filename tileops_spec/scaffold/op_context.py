"""Everything that op.py.j2 says, decided."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..ir.dtypes import DTYPES
from ..ir.nodes import Along, Cast, DimRef, Expr, Reduce
from ..ir.show import show_expr
from ..ir.spec import Definition, DTypeVar, Param, Spec, TensorDecl
from ..ir.walk import walk
from .describe import alternatives, docstring, dtype_options, math_lines, shape_text, where_text, wrapped
from .naming import (
    all_names,
    dtype_parameter,
    has_ambiguous_names,
    kernel_class,
    op_class,
    presence_flag,
    safe_name,
    spec_location,
)
from .op_checks import Check, axis_expr, dim_origins, input_checks, spread_axis
from .python_code import names_in, python_expr

_PYTHON_TYPES = {"float": "float", "int": "int", "uint": "int", "bool": "bool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpTensor:
    """`dtype` and `shape` are the source that allocates an output; `flat` is what the kernel is given."""

    name: str
    doc: str
    dtype: str
    shape: str
    flat: str
    optional: bool = False

    @property
    def declaration(self) -> str:
        """`bias: Tensor | None = None`."""
        return f"{self.name}: Tensor | None = None" if self.optional else f"{self.name}: Tensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpParam:
    """`default` is source, or None where the caller must give the param; `resolved` replaces a None."""

    name: str
    annotation: str
    default: str | None
    resolved: str | None
    doc: str

    @property
    def declaration(self) -> str:
        """`causal: bool = True`."""
        return f"{self.name}: {self.annotation}" + (f" = {self.default}" if self.default is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyReduction:
    """A dim that only reductions run over: where it is 0, outputs can have elements all the same."""

    extent: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpContext:
    op: str
    spec_path: str
    ambiguous_names: bool
    summary: str
    math: tuple[str, ...]
    where: str
    assumed: str
    op_class: str
    kernel_class: str
    uses_math: bool
    inputs: tuple[OpTensor, ...]
    outputs: tuple[OpTensor, ...]
    in_place: tuple[OpTensor, ...]
    dtypes: tuple[OpParam, ...]
    params: tuple[OpParam, ...]
    early_params: tuple[OpParam, ...]
    checks: tuple[Check, ...]
    dims: tuple[str, ...]
    dims_used: tuple[str, ...]
    dims_allocated: tuple[str, ...]
    kernel_arguments: tuple[str, ...]
    kernel_tensors: tuple[str, ...]
    empty_reductions: tuple[EmptyReduction, ...]
    empty_is_zero: bool
    returns: str

    @property
    def parameters(self) -> str:
        """The signature of the operator."""
        tensors = (tensor.declaration for tensor in self.inputs)
        keywords = ("*", *(param.declaration for param in self.keywords)) if self.keywords else ()
        return ", ".join((*tensors, *keywords))

    @property
    def keywords(self) -> tuple[OpParam, ...]:
        """Params, and the dtypes that no input tells."""
        return (*self.params, *self.dtypes)

    @property
    def written(self) -> tuple[OpTensor, ...]:
        """What a call writes: new tensors first."""
        return (*self.outputs, *self.in_place)

    @property
    def shape_params(self) -> tuple[OpParam, ...]:
        """Params with an expression as default that the shape of an output needs."""
        shapes = " ".join(tensor.shape for tensor in self.outputs)
        words = set(re.findall(r"\w+", shapes))
        return tuple(param for param in self.params if param.resolved is not None and param.name in words)

    @property
    def late_params(self) -> tuple[OpParam, ...]:
        """The others with an expression as default, resolved where there is something to compute."""
        early = self.shape_params
        return tuple(param for param in self.params if param.resolved is not None and param not in early)


def op_context(spec: Spec) -> OpContext:
    checks = input_checks(spec)
    params = tuple(_param(param, spec) for param in spec.params)
    outputs = tuple(_output(tensor, spec) for tensor in spec.new_outputs)
    inputs = tuple(_input(tensor, spec) for tensor in spec.call_inputs)
    flats = {tensor.name: tensor.flat for tensor in (*inputs, *outputs)}
    in_place = tuple(tensor for tensor in inputs if tensor.name in {safe_name(name) for name in spec.in_place})
    empty = _empty_reductions(spec)
    allocated = _dims_in_outputs(spec)
    used = {*allocated, *(dim.name for dim in spec.static_dims), *_dims_in_defaults(spec), *_reduced_only(spec)}
    sources = (*(check.condition for check in checks), *(param.resolved or "" for param in params))
    sources += tuple(tensor.flat for tensor in (*inputs, *outputs))
    return OpContext(
        op=spec.op,
        spec_path=spec_location(spec),
        ambiguous_names=has_ambiguous_names(all_names(spec)),
        summary=docstring(spec.summary, 4),
        math=math_lines(spec, 8),
        where=wrapped(where_text(spec), 12),
        assumed=wrapped(", ".join(map(show_expr, spec.assumptions)), 12),
        op_class=op_class(spec.op),
        kernel_class=kernel_class(spec.op),
        uses_math=any("math." in source for source in sources),
        inputs=inputs,
        outputs=outputs,
        in_place=in_place,
        dtypes=tuple(_dtype_argument(variable, spec) for variable in spec.free_dtypes),
        params=params,
        early_params=_early_params(spec, params),
        checks=checks,
        dims=tuple(safe_name(dim.name) for dim in spec.dims),
        dims_used=tuple(safe_name(dim.name) if dim.name in used else "_" for dim in spec.dims),
        dims_allocated=tuple(safe_name(dim.name) if dim.name in allocated else "_" for dim in spec.dims),
        kernel_arguments=_kernel_arguments(spec),
        kernel_tensors=tuple(flats[safe_name(each.name)] for each in (*spec.inputs, *spec.new_outputs)),
        empty_reductions=empty,
        empty_is_zero=bool(empty) and all(_is_sum(definition) for definition in spec.math if definition.is_output),
        returns=_returns(outputs),
    )


def _input(tensor: TensorDecl, spec: Spec) -> OpTensor:
    name, optional = safe_name(tensor.name), tensor.default is not None
    in_place = tensor.name in spec.in_place
    flat = _flat(f"{name}_dense" if in_place else f"_dense({name})", tensor, spec)
    if optional:
        flat = f"{flat} if {name} is not None else {_placeholder(tensor, spec)}"
    return OpTensor(
        name=name,
        doc=_tensor_doc(tensor, spec) + (" Updated in place." if in_place else ""),
        dtype=f"{name}.dtype",
        shape=f"{name}.shape",
        flat=flat,
        optional=optional,
    )


def _placeholder(tensor: TensorDecl, spec: Spec) -> str:
    """What the kernel is given where an optional input is left out: one element, which it does not read."""
    shape = _tuple("1" for _ in tensor.shape or ("",))
    owner = safe_name(spec.call_inputs[0].name)
    return f"{owner}.new_empty({shape}, dtype={_dtype_source(tensor.dtype, spec)})"


def _dtype_argument(variable: DTypeVar, spec: Spec) -> OpParam:
    """A dtype that no input tells is the caller's to choose; the first option is the default."""
    options = tuple(f"torch.{DTYPES[option].torch}" for option in variable.options)
    return OpParam(
        name=dtype_parameter(spec, variable.name),
        annotation="torch.dtype",
        default=options[0],
        resolved=None,
        doc=f"{variable.name} of the spec: {alternatives(options)}.",
    )


def _output(tensor: TensorDecl, spec: Spec) -> OpTensor:
    name = safe_name(tensor.name)
    return OpTensor(
        name=name,
        doc=_tensor_doc(tensor, spec),
        dtype=_dtype_source(tensor.dtype, spec),
        shape=_tuple(_unflattened(extent, spec) for extent in tensor.shape),
        flat=_flat(name, tensor, spec),
    )


def _tensor_doc(tensor: TensorDecl, spec: Spec) -> str:
    default = "" if tensor.default is None else f" None stands for {show_expr(tensor.default)} everywhere."
    return f"{shape_text(tensor, spec)}, {alternatives(dtype_options(spec, tensor.dtype))}.{default}"


def _dtype_source(dtype: str, spec: Spec) -> str:
    """A dtype variable is the dtype of the first input that has it."""
    if dtype in DTYPES:
        return f"torch.{DTYPES[dtype].torch}"
    owner = next((each for each in spec.call_inputs if each.dtype == dtype and each.default is None), None)
    return f"{safe_name(owner.name)}.dtype" if owner is not None else dtype_parameter(spec, dtype)


def _unflattened(extent: Expr, spec: Spec) -> str:
    if isinstance(extent, DimRef) and spec.dim(extent.name).spread:
        return f"*{safe_name(extent.name)}"
    return axis_expr(extent, spec)


def _flat(source: str, tensor: TensorDecl, spec: Spec) -> str:
    """The tensor as the kernel takes it: a group of axes as one, a scalar as one element."""
    if not tensor.shape:
        return f"{source}.view(1)"
    if spread_axis(tensor, spec) is None:
        return source
    return f"{source}.view({', '.join(axis_expr(extent, spec) for extent in tensor.shape)})"


def _tuple(parts) -> str:
    parts = tuple(parts)
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _param(param: Param, spec: Spec) -> OpParam:
    """A default that needs dims is resolved inside the operator, where the shapes are plain numbers."""
    annotation = _PYTHON_TYPES[DTYPES[param.dtype].kind]
    name = safe_name(param.name)
    if param.default is None:
        return OpParam(name=name, annotation=annotation, default=None, resolved=None, doc=f"{annotation}.")
    source = python_expr(param.default, lambda dim: axis_expr(DimRef(name=dim), spec))
    if any(names_in(param.default)) or "math." in source:
        doc = f"{annotation}; {show_expr(param.default)} where None."
        return OpParam(name=name, annotation=f"{annotation} | None", default="None", resolved=source, doc=doc)
    return OpParam(name=name, annotation=annotation, default=source, resolved=None, doc=f"{annotation}.")


def _early_params(spec: Spec, params: tuple[OpParam, ...]) -> tuple[OpParam, ...]:
    """The params that `where` clauses mention: checking the inputs takes them as well."""
    extents = (extent for tensor in spec.inputs for extent in tensor.shape)
    mentioned = {name for expr in (*spec.where, *extents) for name in names_in(expr)[1]}
    return tuple(made for param, made in zip(spec.params, params, strict=True) if param.name in mentioned)


def _kernel_arguments(spec: Spec) -> tuple[str, ...]:
    """The arguments of the factory, by name: static dims, dtypes, params."""
    dims = [safe_name(dim.name) for dim in spec.static_dims]
    dtypes = [f"str({_dtype_source(variable.name, spec)}).removeprefix('torch.')" for variable in spec.dtypes]
    params = [f"{safe_name(param.name)}={safe_name(param.name)}" for param in spec.params]
    flags = [f"{presence_flag(each)}={safe_name(each.name)} is not None" for each in spec.inputs if each.default]
    return (*dims, *dtypes, *params, *flags)


def _dims_in_outputs(spec: Spec) -> set[str]:
    return {name for tensor in spec.outputs for extent in tensor.shape for name in names_in(extent)[0]}


def _dims_in_defaults(spec: Spec) -> set[str]:
    return {name for param in spec.params if param.default is not None for name in names_in(param.default)[0]}


def _reduced_only(spec: Spec) -> tuple[str, ...]:
    """Dims that are extents of reduced axes, and that some new output does not have."""
    reduced = {
        axis.extent.name
        for definition in spec.math
        for part in walk(definition.value)
        if isinstance(part, Reduce)
        for axis in part.axes
        if isinstance(axis.extent, DimRef)
    }
    reduced |= {name for definition in spec.math for name in _along_extents(definition)}
    shapes = [{name for extent in each.shape for name in names_in(extent)[0]} for each in spec.new_outputs]
    everywhere = set.intersection(*shapes) if shapes else _dims_in_outputs(spec)
    return tuple(dim.name for dim in spec.dims if dim.name in reduced and dim.name not in everywhere)


def _along_extents(definition: Definition) -> set[str]:
    along = {part.axis for part in walk(definition.value) if isinstance(part, Along)}
    return {a.extent.name for a in definition.axes if a.name in along and isinstance(a.extent, DimRef)}


def _empty_reductions(spec: Spec) -> tuple[EmptyReduction, ...]:
    origin = dim_origins(spec)
    return tuple(
        EmptyReduction(
            extent=axis_expr(DimRef(name=name), spec),
            message=f"{name} is 0, so there is nothing to reduce over (from {origin[name][0]}: "
            f"{{tuple({safe_name(origin[name][0])}.shape)}})",
        )
        for name in _reduced_only(spec)
    )


def _is_sum(definition: Definition) -> bool:
    if definition.is_scatter or definition.initial is not None:
        return False
    value = definition.value
    while isinstance(value, Cast):
        value = value.operand
    return isinstance(value, Reduce) and value.function == "sum"


def _returns(outputs: tuple[OpTensor, ...]) -> str:
    if not outputs:
        return "None"
    return "Tensor" if len(outputs) == 1 else f"tuple[{', '.join('Tensor' for _ in outputs)}]"
