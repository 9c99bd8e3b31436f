"""A whole spec: signature, constraints, mathematics, references, hardware, workloads."""

from __future__ import annotations

from dataclasses import field

from ..diagnostics.text import Span
from .nodes import NOWHERE, Axis, Expr, node


@node
class DTypeVar:
    """A named dtype that the signature ranges over; `options` are concrete dtype names, in the order written."""

    name: str
    options: tuple[str, ...]
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
    """An input or output: dtype name or variable, and one extent an axis, outermost first (row-major)."""

    name: str
    dtype: str
    shape: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Definition:
    """One statement of the mathematics: `target[axes] = value`.

    `target` is an output or a local name; `axes` are its index variables with their extents, one an axis. `dtype` is
    the stored dtype: an output's declared one, else the value's.
    """

    target: str
    axes: tuple[Axis, ...]
    value: Expr
    dtype: str = ""
    is_output: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(axis.extent for axis in self.axes)


@node
class Reference:
    """An independent implementation: `expression` is Python over the inputs, dims and params by name, with `torch`."""

    library: str
    expression: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


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
    """The typed form of one spec file; what every later part reads."""

    op: str
    summary: str
    dtypes: tuple[DTypeVar, ...] = ()
    dims: tuple[Dim, ...] = ()
    params: tuple[Param, ...] = ()
    inputs: tuple[TensorDecl, ...]
    outputs: tuple[TensorDecl, ...]
    where: tuple[Expr, ...] = ()
    math: tuple[Definition, ...]
    references: tuple[Reference, ...] = ()
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
    def local_definitions(self) -> tuple[Definition, ...]:
        return tuple(definition for definition in self.math if not definition.is_output)
