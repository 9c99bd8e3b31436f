"""Syntax to IR for expressions: every name resolved, every rank checked; dtypes come later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..diagnostics.diagnostic import Label
from ..diagnostics.text import Span
from ..ir import nodes as ir
from ..ir.dtypes import DTYPES
from ..ir.functions import AXISWISE, CONSTANTS, ELEMENTWISE, PROPERTIES, REDUCTIONS, SELECTIONS
from ..syntax import tree
from .axes import Bracketed, read_bracketed
from .extents import infer_extent, is_told
from .largest import add, is_scalar, largest
from .scope import Indexable, Indices, Scope
from .suggest import did_you_mean

POISON = ir.Number(value=0)
"""What stands for an expression that was reported: the spec is refused, so its value never matters."""


def resolve_scalar(expr: tree.Expr, scope: Scope) -> ir.Expr:
    """An expression over dims and params only: a default, a clause, an extent."""
    return Resolver(scope, Indices(), scalar=True).resolve(expr)


@dataclass(frozen=True)
class Resolver:
    """Resolves expressions at one place: `indices` are the index variables bound there.

    `scalar` is set where no tensor and no index variable may stand.
    """

    scope: Scope
    indices: Indices
    scalar: bool = False

    def resolve(self, expr: tree.Item) -> ir.Expr:
        match expr:
            case tree.Number() | tree.Truth():
                return ir.Number(value=expr.value, span=expr.span)
            case tree.Name():
                return self._name(expr)
            case tree.Unary():
                return self._unary(expr)
            case tree.Binary():
                left, right = self.resolve(expr.left), self.resolve(expr.right)
                return ir.Binary(op=expr.op, left=left, right=right, span=expr.span)  # type: ignore[arg-type]
            case tree.Call():
                return self._call(expr)
            case tree.Subscript():
                return self._subscript(expr)
            case tree.Reduction():
                return self._reduction(expr)
        self._error("TS115", f"`*{expr.id}` stands where a value is meant", expr.span, "groups stand only in indices")
        return POISON

    def _error(
        self, code: str, message: str, span: Span, help_text: str | None, labels: tuple[Label, ...] = ()
    ) -> None:
        self.scope.sink.error(code, message, span, help=help_text, labels=labels)

    def _name(self, name: tree.Name) -> ir.Expr:
        if name.id in self.indices.axes:
            return ir.IndexRef(name=name.id, span=name.span)
        if name.id in self.scope.dims:
            return self._dim(name)
        if name.id in self.scope.params:
            return ir.ParamRef(name=name.id, span=name.span)
        if name.id in CONSTANTS:
            return ir.Number(value=CONSTANTS[name.id], span=name.span)
        if name.id in self.scope.constants:
            return ir.Number(value=self.scope.constants[name.id].value, span=name.span)
        found = None if self.scalar else self.scope.indexable(name.id)
        if found is not None:
            return self._access(found, (), name.span)
        self._unknown(name)
        return POISON

    def _dim(self, name: tree.Name) -> ir.Expr:
        if self.scope.dims[name.id].spread and not self.scalar:
            self._error("TS115", f"`{name.id}` is a group of axes, not a number", name.span, "use it as an index: `*s`")
        return ir.DimRef(name=name.id, span=name.span)

    def _unknown(self, name: tree.Name) -> None:
        """TS111 for what is defined further down, else TS102; nothing for what was reported where it is declared."""
        if name.id in self.scope.broken:
            return
        if name.id in self.scope.outputs and not self.scalar:
            self._error("TS111", f"`{name.id}` is used above its definition", name.span, "define it first")
            return
        scalars = (*self.scope.dims, *self.scope.params, *self.scope.constants)
        known = scalars if self.scalar else (*self.indices.axes, *self.scope.names)
        what = "a dim or param" if self.scalar else "defined here"
        otherwise = f"known here: {', '.join(known)}" if known else None
        self._error("TS102", f"`{name.id}` is not {what}", name.span, did_you_mean(name.id, known, otherwise))

    def _unary(self, expr: tree.Unary) -> ir.Expr:
        operand = self.resolve(expr.operand)
        if expr.op == "+":
            return operand
        return ir.Unary(op=expr.op, operand=operand, span=expr.span)  # type: ignore[arg-type]

    def _call(self, call: tree.Call) -> ir.Expr:
        name = call.function.id
        if name in ("pad", "segment", "present") or name in PROPERTIES:
            return self._with_arity(
                call, call.args, 2 if name in ("pad", "segment") else 1, lambda: self._special(call)
            )
        args = tuple(self.resolve(arg) for arg in call.args)
        if name in self.scope.dtypes or name in DTYPES:
            return self._with_arity(call, args, 1, lambda: ir.Cast(operand=args[0], dtype=name, span=call.span))
        if name == "where":
            return self._with_arity(call, args, 3, lambda: _select(args, call.span))
        if name in ELEMENTWISE:
            build = lambda: ir.Call(function=name, args=args, span=call.span)  # noqa: E731
            return self._with_arity(call, args, ELEMENTWISE[name], build)
        self._unknown_function(call.function)
        return POISON

    def _with_arity(
        self, call: tree.Call, args: tuple[object, ...], arity: int, build: Callable[[], ir.Expr]
    ) -> ir.Expr:
        if len(args) == arity:
            return build()
        name = call.function.id
        plural = "argument" if arity == 1 else "arguments"
        self._error("TS107", f"`{name}` takes {arity} {plural}, not {len(args)}", call.span, None)
        return POISON

    def _special(self, call: tree.Call) -> ir.Expr:
        """What looks like a call, and takes a tensor rather than a value."""
        name, first = call.function.id, call.args[0]
        if name == "pad":
            return self._pad(call)
        found = self._input(call.function, first)
        if found is None:
            return POISON
        if name == "segment":
            return ir.Lookup(tensor=found.name, value=self.resolve(call.args[1]), span=call.span)
        if name == "present":
            return self._present(found, call.span)
        return ir.Property(function=name, tensor=found.name, span=call.span)

    def _pad(self, call: tree.Call) -> ir.Expr:
        access = self.resolve(call.args[0])
        if isinstance(access, ir.Access):
            return replace(access, pad=self.resolve(call.args[1]), span=call.span)
        if access is not POISON:
            help_text = "write `pad(X[i - 1], 0)`: the element, then the value where the index leaves the tensor"
            self._error("TS107", "`pad` takes an element of a tensor", call.args[0].span, help_text)
        return POISON

    def _input(self, function: tree.Name, item: tree.Item) -> Indexable | None:
        """The input that a function takes as a whole."""
        found = self.scope.inputs.get(item.id) if isinstance(item, tree.Name) else None
        any_rank = function.id in ("present", "distinct")
        if found is None or (not any_rank and len(found.shape) != 1):
            rank = "" if any_rank else " of one axis"
            help_text = f"write `{function.id}({'cu, t' if function.id == 'segment' else 'x'})`"
            self._error("TS107", f"`{function.id}` takes an input{rank}", item.span, help_text)
            return None
        self.scope.reads.add(found.name)
        return found

    def _present(self, found: Indexable, span: Span) -> ir.Expr:
        if not found.optional:
            help_text = f"an optional input has a default: `{found.name}: …[…] = 0`"
            self._error("TS107", f"`{found.name}` is always given", span, help_text)
        return ir.Present(tensor=found.name, span=span)

    def _unknown_function(self, name: tree.Name) -> None:
        if name.id in REDUCTIONS or name.id in AXISWISE:
            help_text = f"name the index variables in brackets: `{name.id}[k](…)`"
            self._error("TS107", f"`{name.id}` needs the axes that it works on", name.span, help_text)
            return
        if self.scope.indexable(name.id):
            self._error("TS106", f"`{name.id}` is a tensor, not a function", name.span, "index it with brackets")
            return
        known = (*ELEMENTWISE, "where", "pad", "segment", "present", *self.scope.dtypes)
        help_text = did_you_mean(name.id, known, "`tospec explain TS106` lists the functions")
        self._error("TS106", f"there is no function `{name.id}`", name.span, help_text)

    def _subscript(self, subscript: tree.Subscript) -> ir.Expr:
        name = subscript.base
        found = None if self.scalar else self.scope.indexable(name.id)
        if found is None:
            self._not_indexable(name)
            return POISON
        return self._access(found, subscript.items, subscript.span)

    def _not_indexable(self, name: tree.Name) -> None:
        if name.id in REDUCTIONS or name.id in AXISWISE:
            self._error("TS107", f"`{name.id}[…]` needs a body", name.span, f"write `{name.id}[k](…)`")
        elif name.id in self.scope.dims or name.id in self.scope.params:
            self._error("TS103", f"`{name.id}` is a number and has no axes", name.span, "use it without brackets")
        else:
            self._unknown(name)

    def _access(self, found: Indexable, items: tuple[tree.Item, ...], span: Span) -> ir.Expr:
        if len(items) != len(found.shape):
            self._wrong_rank(found, len(items), span)
            return POISON
        self.scope.reads.add(found.name)
        indices = tuple(self._index(item, found, axis) for axis, item in enumerate(items))
        return ir.Access(tensor=found.name, indices=indices, span=span)

    def _wrong_rank(self, found: Indexable, given: int, span: Span) -> None:
        axes = "axis" if len(found.shape) == 1 else "axes"
        label = Label(span=found.span, text=f"`{found.name}` has {len(found.shape)} {axes}")
        message = f"`{found.name}` is indexed with {given}, but has {len(found.shape)} {axes}"
        self._error("TS103", message, span, "give one index an axis", (label,))

    def _index(self, item: tree.Item, found: Indexable, axis: int) -> ir.Expr:
        spread = isinstance(item, tree.Spread)
        if spread != found.spread[axis]:
            kind, form = ("a group of axes", "`*s`") if found.spread[axis] else ("a single axis", "`i`")
            message = f"axis {axis} of `{found.name}` is {kind}"
            self._error("TS115", message, item.span, f"index it with {form}")
            return POISON
        name = tree.Name(item.id, item.span) if spread else item
        if isinstance(name, tree.Name) and name.id not in self.indices.axes and self.scope.is_free(name.id):
            self._unbound(name)
            return POISON
        index = self.resolve(name)
        return replace(index, spread=True) if spread and isinstance(index, ir.IndexRef) else index

    def _unbound(self, name: tree.Name) -> None:
        help_text = f"put it on the left-hand side, or reduce over it: `sum[{name.id}](…)`"
        near = did_you_mean(name.id, self.indices.axes)
        self._error("TS114", f"nothing binds the index variable `{name.id}`", name.span, near or help_text)

    def _reduction(self, reduction: tree.Reduction) -> ir.Expr:
        name = reduction.function.id
        if self.scalar:
            self._error("TS107", "a clause has no tensors to reduce", reduction.span, None)
            return POISON
        if name in AXISWISE:
            return self._along(reduction)
        if name in REDUCTIONS:
            return self._reduce(reduction)
        known = (*REDUCTIONS, *AXISWISE)
        otherwise = f"the reductions are {', '.join(sorted(known))}"
        help_text = did_you_mean(name, known, otherwise)
        self._error("TS106", f"there is no reduction `{name}`", reduction.function.span, help_text)
        return POISON

    def _along(self, reduction: tree.Reduction) -> ir.Expr:
        """`softmax[j](…)`: j is an index variable of the left-hand side, which the result keeps."""
        name = reduction.function.id
        item = reduction.items[0] if len(reduction.items) == 1 else None
        if not isinstance(item, tree.Name):
            self._error("TS107", f"`{name}` works along one axis", reduction.span, f"write `{name}[j](…)`")
            return POISON
        if item.id not in self.indices.axes:
            self._unbound(item)
            return POISON
        body = self._only(reduction)
        return ir.Along(function=name, axis=item.id, body=body, span=reduction.span)

    def _only(self, reduction: tree.Reduction) -> ir.Expr:
        """The body; TS107 for further arguments."""
        name = reduction.function.id
        for extra in reduction.args[1:]:
            self._error("TS107", f"`{name}[…]` takes one argument", extra.span, f"write `{name}[j](…)`")
        return self.resolve(reduction.args[0])

    def _reduce(self, reduction: tree.Reduction) -> ir.Expr:
        name = reduction.function.id
        axes: tuple[ir.Axis, ...] = ()
        for item in reduction.items:
            axis = Resolver(self.scope, self.indices.with_axes(axes)).bind(item, reduction.args[0])
            axes += (axis,) if axis is not None else ()
        if not reduction.items:
            message = f"`{name}[]` reduces over nothing"
            self._error("TS107", message, reduction.span, "name index variables in the brackets")
        if len(axes) < len(reduction.items):
            return POISON
        rank = self._rank(reduction) if name in SELECTIONS else None
        inner = Resolver(self.scope, self.indices.with_axes(axes))
        body = inner.resolve(reduction.args[0]) if rank is not None else inner._only(reduction)
        return ir.Reduce(function=name, axes=axes, body=body, rank=rank, span=reduction.span)

    def _rank(self, reduction: tree.Reduction) -> ir.Expr:
        """The second argument of a selection, over the variables around it."""
        if len(reduction.args) == 2 and len(reduction.items) == 1:
            return self.resolve(reduction.args[1])
        name = reduction.function.id
        help_text = f"write `{name}[j](x[i, j], r)`: the r-th largest over j, counted from 0"
        self._error("TS107", f"`{name}` takes one variable, and two arguments", reduction.span, help_text)
        return POISON

    def bind(self, item: tree.Item, body: tree.Expr) -> ir.Axis | None:
        """The index variable that a reduction binds: `k`, `*s`, or `lo <= k < hi` with bounds."""
        found = read_bracketed(item, lambda name: name not in self.indices.axes and self.scope.is_free(name))
        if found is None:
            help_text = "write `sum[k](…)`, `sum[k < n](…)` or `sum[lo <= k < hi](…)`"
            self._error("TS107", "a reduction binds index variables", item.span, help_text)
            return None
        if not self.declare_index(found.variable):
            return None
        lower, upper = self._bounds(found)
        extent = upper if upper is not None and is_scalar(upper) else self._extent(found, body, upper)
        if extent is None:
            return None
        return ir.Axis(
            name=found.variable.id,
            extent=extent,
            lower=lower,
            upper=None if upper is extent else upper,
            spread=isinstance(found.variable, tree.Spread),
            span=found.variable.span,
        )

    def _bounds(self, found: Bracketed) -> tuple[ir.Expr | None, ir.Expr | None]:
        """The bounds: the lower one inclusive, the upper one exclusive."""
        lower = self.resolve(found.lower) if found.lower is not None else None
        upper = self.resolve(found.upper) if found.upper is not None else None
        if lower is not None and found.above:
            lower = add(lower, 1)
        if lower == ir.Number(value=0):
            lower = None
        if upper is not None and found.closed:
            upper = add(upper, 1)
        return lower, upper

    def _extent(self, found: Bracketed, body: tree.Expr, upper: ir.Expr | None) -> ir.Expr | None:
        """How far the variable can run: from the axes that it indexes, else from its upper bound."""
        if upper is not None and not is_told(found.variable.id, (body,), self.scope):
            limit = largest(upper, self.indices.axes, self.scope.assumptions)
            if limit is not None:
                return limit
        return infer_extent(found.variable, (body,), self.scope)

    def declare_index(self, item: tree.Name | tree.Spread) -> bool:
        """Whether the name may be an index variable here: TS105 where it already means something."""
        if item.id in self.indices.axes:
            bound = self.indices.axes[item.id]
            label = Label(span=bound.span, text="bound here")
            self._error("TS105", f"`{item.id}` is bound already", item.span, "use another index variable", (label,))
            return False
        if not self.scope.may_name(item.id, item.span):
            return False
        if not self.scope.is_free(item.id):
            message = f"`{item.id}` has a meaning already, so it cannot be an index variable"
            self._error("TS105", message, item.span, "index variables are usually small letters: i, j, k")
            return False
        return True


def _select(args: tuple[ir.Expr, ...], span: Span) -> ir.Select:
    condition, then, otherwise = args
    return ir.Select(condition=condition, then=then, otherwise=otherwise, span=span)
