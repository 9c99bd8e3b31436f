"""A whole spec: signature, constraints, mathematics, references, hardware, workloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import chain, product
from typing import Literal

from ..diagnostics.text import Span
from .nodes import NOWHERE, Axis, Expr, node


@node
class DTypeVar:
    """A named dtype that the signature ranges over; `options` are concrete dtype names, in the order written."""

    name: str
    options: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class DTypeGroup:
    """Variables whose options go together: each row gives one option a variable, in the order of `names`."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Constant:
    """A named number, already put in place wherever the spec names it."""

    name: str
    value: int | float | bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Dim:
    """A named extent. `dynamic`: one compiled kernel serves every value. `spread`: a group of leading axes `*S`,
    seen everywhere below the Op as one flattened, dynamic axis."""

    name: str
    dynamic: bool = False
    spread: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Param:
    """A named scalar, fixed when the kernel is compiled. `default` may use dims and earlier params."""

    name: str
    dtype: str
    default: Expr | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class TensorDecl:
    """An input or output: dtype name or variable, and one extent an axis, outermost first (row-major).

    An input with a `default` may be left out: then every element has that value.
    """

    name: str
    dtype: str
    shape: tuple[Expr, ...]
    default: Expr | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Definition:
    """One statement of the mathematics, at every value of its index variables `axes`.

    target[axes] = value: `target` is an output or a local name, with one index variable an axis.

    target[indices] op value (a scatter): `indices` are expressions over `axes`. `+=` adds to what the element was: the
    value of a statement above, else of the input updated in place, else 0. `=` replaces elements of a tensor that is
    updated in place. `target_shape` is the target's shape.

    A recurrence over the axis `along`: `value` may read `target` one step back (one step ahead where `backward`), and
    `initial` is the element before the first step, over the other axes.

    `dtype` is the stored dtype: an output's declared one, else the value's.
    """

    target: str
    axes: tuple[Axis, ...]
    value: Expr
    op: Literal["=", "+="] = "="
    indices: tuple[Expr, ...] = ()
    target_shape: tuple[Expr, ...] = ()
    along: str | None = None
    initial: Expr | None = None
    backward: bool = False
    dtype: str = ""
    is_output: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def is_scatter(self) -> bool:
        return self.op == "+=" or bool(self.indices)

    @property
    def shape(self) -> tuple[Expr, ...]:
        """The extents of the target."""
        return self.target_shape if self.is_scatter else tuple(axis.extent for axis in self.axes)

    @property
    def values(self) -> tuple[Expr, ...]:
        """Every expression of the statement that may read tensors."""
        return (*((self.initial,) if self.initial is not None else ()), self.value, *self.indices)


@node
class Reference:
    """An independent implementation: `expression` is Python over the inputs, dims and params by name, with `torch`."""

    library: str
    expression: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Tolerance:
    """An override: kernels may stray `factor` times as far as the derived bound, for a `reason` that reports show."""

    factor: float
    reason: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return f"tolerance {self.factor:g} times the derived bound: {self.reason}"


@node
class Hardware:
    """The targets a kernel must serve, and the features that its generated code must show."""

    targets: tuple[str, ...] = ("sm_90a",)
    require: tuple[str, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Workload:
    """A named, real shape: values of dims, and of params that differ from their defaults.

    A spread dim's value is a tuple of extents (its leading axes), every other value a number.
    """

    name: str
    values: tuple[tuple[str, int | float | bool | tuple[int, ...]], ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Spec:
    """The typed form of one spec file; what every later part reads.

    `where` are clauses over dims and params; `assumptions` are those that speak of tensors' elements. A name among both
    inputs and outputs is updated in place.
    """

    op: str
    summary: str
    dtypes: tuple[DTypeVar, ...] = ()
    dims: tuple[Dim, ...] = ()
    params: tuple[Param, ...] = ()
    inputs: tuple[TensorDecl, ...]
    outputs: tuple[TensorDecl, ...]
    where: tuple[Expr, ...] = ()
    math: tuple[Definition, ...]
    assumptions: tuple[Expr, ...] = ()
    dtype_groups: tuple[DTypeGroup, ...] = ()
    constants: tuple[Constant, ...] = ()
    family: str = ""
    status: Literal["draft", "ready"] = "ready"
    references: tuple[Reference, ...] = ()
    tolerance: Tolerance | None = None
    hardware: Hardware = Hardware()
    workloads: tuple[Workload, ...] = ()
    path: str = field(default="", compare=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def dim(self, name: str) -> Dim:
        return next(dim for dim in self.dims if dim.name == name)

    def tensor(self, name: str) -> TensorDecl:
        return next(tensor for tensor in (*self.inputs, *self.outputs) if tensor.name == name)

    @property
    def static_dims(self) -> tuple[Dim, ...]:
        """Dims that a kernel is compiled for, in the order declared."""
        return tuple(dim for dim in self.dims if not dim.dynamic)

    @property
    def dynamic_dims(self) -> tuple[Dim, ...]:
        return tuple(dim for dim in self.dims if dim.dynamic)

    @property
    def in_place(self) -> tuple[str, ...]:
        """The tensors that are inputs and outputs at once."""
        outputs = {tensor.name for tensor in self.outputs}
        return tuple(tensor.name for tensor in self.inputs if tensor.name in outputs)

    @property
    def call_inputs(self) -> tuple[TensorDecl, ...]:
        """The inputs in the order in which the Op takes them: optional ones come last."""
        return tuple(sorted(self.inputs, key=lambda tensor: tensor.default is not None))

    @property
    def new_outputs(self) -> tuple[TensorDecl, ...]:
        """The outputs that the Op returns: all but those that are updated in place."""
        return tuple(tensor for tensor in self.outputs if tensor.name not in self.in_place)

    @property
    def free_dtypes(self) -> tuple[DTypeVar, ...]:
        """The dtype variables that no required input tells: callers give them."""
        told = {tensor.dtype for tensor in self.inputs if tensor.default is None}
        return tuple(var for var in self.dtypes if var.name not in told)

    def dtype_choices(self) -> Iterator[dict[str, str]]:
        """Every choice of the dtype variables that the signature allows, the first options first."""
        grouped = {name for group in self.dtype_groups for name in group.names}
        columns = [
            ((var.name,), [(option,) for option in var.options]) for var in self.dtypes if var.name not in grouped
        ]
        columns += [(group.names, group.rows) for group in self.dtype_groups]
        names = [name for given, _ in columns for name in given]
        rows = [dict(zip(names, chain(*row), strict=True)) for row in product(*(rows for _, rows in columns))]
        places = {var.name: {option: at for at, option in enumerate(var.options)} for var in self.dtypes}
        for row in sorted(rows, key=lambda row: [places[var.name][row[var.name]] for var in self.dtypes]):
            yield {var.name: row[var.name] for var in self.dtypes}

    @property
    def local_definitions(self) -> tuple[Definition, ...]:
        return tuple(definition for definition in self.math if not definition.is_output)
