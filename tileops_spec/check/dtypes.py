"""Dtypes of every expression: promotion, casts, and literals that take the dtype of what they meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import Span
from ..ir import nodes as ir
from ..ir.dtypes import DTYPES, DType, promote
from ..ir.functions import BOOLEAN_RESULT, INDEX_RESULT
from ..ir.spec import Definition, Param, Spec, TensorDecl
from ..ir.walk import map_children

WEAK_INT, WEAK_FLOAT = "int?", "float?"
"""Dtypes of literals, dims and index variables until they meet a value whose dtype is fixed."""

_KEEPS_INTEGERS = frozenset({"abs", "sign", "min", "max", "clamp", "relu", "xor", "fma"})


def infer_dtypes(spec: Spec, sink: Sink) -> Spec:
    """The spec with the dtype of every expression filled in; TS112 and TS113 where an operation has none."""
    typer = _Typer(spec, sink, {tensor.name: tensor.dtype for tensor in spec.inputs})
    params = tuple(
        replace(param, default=typer.default(param) if param.default is not None else None) for param in spec.params
    )
    math = typer.mathematics()
    where, assumptions = (tuple(map(typer.condition, clauses)) for clauses in (spec.where, spec.assumptions))
    inputs, outputs = (tuple(map(typer.tensor, tensors)) for tensors in (spec.inputs, spec.outputs))
    return replace(spec, params=params, math=math, where=where, assumptions=assumptions, inputs=inputs, outputs=outputs)


@dataclass
class _Typer:
    spec: Spec
    sink: Sink
    tensors: dict[str, str]
    initials: dict[str, ir.Expr] = field(default_factory=dict)

    @cached_property
    def choices(self) -> list[dict[str, str]]:
        return list(self.spec.dtype_choices())

    def tensor(self, tensor: TensorDecl) -> TensorDecl:
        shape = tuple(self._integer(extent, "an extent") for extent in tensor.shape)
        if tensor.default is None:
            return replace(tensor, shape=shape)
        return replace(tensor, shape=shape, default=self._like(tensor.default, tensor.dtype, f"`{tensor.name}`"))

    def axis(self, axis: ir.Axis) -> ir.Axis:
        lower, upper = (None if each is None else self._integer(each, "a bound") for each in (axis.lower, axis.upper))
        return replace(axis, extent=self._integer(axis.extent, "an extent"), lower=lower, upper=upper)

    def default(self, param: Param) -> ir.Expr:
        """A param's default: a truth for a bool, an integer for an integer, any number for a float."""
        assert param.default is not None
        return self._like(param.default, param.dtype, f"`{param.name}`")

    def _like(self, default: ir.Expr, dtype: str, what: str) -> ir.Expr:
        """A default under the dtype of what it stands for."""
        inferred = self.infer(default)  # once: defaults stand in defaults, and twice on each level would not end
        typed = self._settle(inferred)
        given, wanted = (self._options(each)[0] for each in (typed.dtype, dtype))
        if (given.kind == "bool") != (wanted.kind == "bool") or (given.is_float and not wanted.is_float):
            help_text = f"give a default of dtype {dtype}, or change the dtype of {what}"
            message = f"{what} is {dtype}, but its default has dtype {typed.dtype}"
            self.sink.error("TS112", message, default.span, help=help_text)
        return self._settle(inferred, dtype)

    def mathematics(self) -> tuple[Definition, ...]:
        """The statements in order; the dtype of a recurrence is that of its initial value, wherever it is read."""
        return tuple(self.definition(each, self.initial(each.target)) for each in self.spec.math)

    @cached_property
    def recurrences(self) -> dict[str, Definition]:
        return {each.target: each for each in self.spec.math if each.initial is not None}

    def initial(self, name: str) -> ir.Expr | None:
        """A recurrence's initial value, typed when the name is first met: what it reads stands above that."""
        definition = self.recurrences.get(name)
        if definition is not None and name not in self.initials:
            assert definition.initial is not None
            self.initials[name] = self.settled(definition.initial, definition.dtype or None, literal="f32")
            self.tensors[name] = definition.dtype or self.initials[name].dtype
        return self.initials.get(name)

    def definition(self, definition: Definition, initial: ir.Expr | None) -> Definition:
        value = self.settled(definition.value, definition.dtype or None)
        dtype = definition.dtype or (self.tensors.get(definition.target) if definition.is_scatter else value.dtype)
        if initial is not None and not definition.dtype and value.dtype != initial.dtype:
            message = f"`{definition.target}` begins as {initial.dtype}, and each step gives {value.dtype}"
            help_text = f"cast one of them, such as `{initial.dtype}(…)`; a bare number begins as f32"
            self.sink.error("TS112", message, definition.span, help=help_text)
        self.tensors[definition.target] = dtype or value.dtype
        return replace(
            definition,
            axes=tuple(map(self.axis, definition.axes)),
            value=value,
            initial=initial,
            indices=tuple(map(self._integer, definition.indices)),
            target_shape=tuple(self._integer(extent, "an extent") for extent in definition.target_shape),
            dtype=dtype or value.dtype,
        )

    def condition(self, expr: ir.Expr) -> ir.Expr:
        """An expression that must be a truth value."""
        typed = self.settled(expr)
        if typed.dtype != "bool":
            help_text = "write a comparison, such as `K % 8 == 0`"
            self.sink.error("TS112", f"this has dtype {typed.dtype}, not bool", expr.span, help=help_text)
        return typed

    def settled(self, expr: ir.Expr, wanted: str | None = None, *, literal: str = "i64") -> ir.Expr:
        """The typed expression, with no weak dtype left: literals alone become `wanted`, else f32 or `literal`."""
        return self._settle(self.infer(expr), wanted, literal)

    def _settle(self, typed: ir.Expr, wanted: str | None = None, literal: str = "i64") -> ir.Expr:
        if typed.dtype in (WEAK_INT, WEAK_FLOAT):
            typed = self._adopt(typed, wanted or ("f32" if typed.dtype == WEAK_FLOAT else literal))
        return typed

    def infer(self, expr: ir.Expr) -> ir.Expr:
        """The expression with dtypes from the leaves up."""
        match expr:
            case ir.Number():
                return replace(expr, dtype=_number_dtype(expr.value))
            case ir.DimRef() | ir.IndexRef():
                return replace(expr, dtype=WEAK_INT)
            case ir.ParamRef():
                return replace(expr, dtype=next(p.dtype for p in self.spec.params if p.name == expr.name))
            case ir.Access():
                return self._access(expr)
            case ir.Cast():
                return replace(expr, operand=self.settled(expr.operand))
            case ir.Unary():
                return self._unary(expr)
            case ir.Binary():
                return self._binary(expr)
            case ir.Call():
                return self._call(expr)
            case ir.Select():
                return self._select(expr)
            case ir.Reduce():
                return self._reduce(expr)
            case ir.Along():
                return self._along(expr)
            case ir.Lookup():
                return self._lookup(expr)
            case ir.Property():
                return replace(expr, dtype="bool")
        return replace(expr, dtype="bool")

    def _access(self, expr: ir.Access) -> ir.Expr:
        indices = tuple(self._integer(index) for index in expr.indices)
        if expr.tensor not in self.tensors:
            self.initial(expr.tensor)
        dtype = self.tensors.get(expr.tensor, "f32")
        if expr.pad is None:
            return replace(expr, indices=indices, dtype=dtype)
        return replace(expr, indices=indices, pad=self._like(expr.pad, dtype, f"`{expr.tensor}`"), dtype=dtype)

    def _along(self, expr: ir.Along) -> ir.Expr:
        body = self.settled(expr.body)
        if expr.function in ("softmax", "log_softmax"):
            body = self._float(body, expr)
        return replace(expr, body=body, dtype="i64" if expr.function in INDEX_RESULT else body.dtype)

    def _lookup(self, expr: ir.Lookup) -> ir.Expr:
        if any(dtype.kind not in ("int", "uint") for dtype in self._options(self.tensors.get(expr.tensor, "i64"))):
            self.sink.error("TS112", f"`{expr.tensor}` holds no integers", expr.span, help="segments begin at indices")
        return replace(expr, value=self._integer(expr.value), dtype="i64")

    def _integer(self, index: ir.Expr, what: str = "an index") -> ir.Expr:
        typed = self.settled(index)
        if any(dtype.is_float or dtype.kind == "bool" for dtype in self._options(typed.dtype)):
            help_text = "indices and extents are integers: `//` divides without a remainder"
            self.sink.error("TS112", f"{what} has dtype {typed.dtype}", index.span, help=help_text)
        return typed

    def _unary(self, expr: ir.Unary) -> ir.Expr:
        operand = self.infer(expr.operand)
        if expr.op == "not":
            self._expect(operand, expr, lambda dtype: dtype.kind == "bool", "bool")
            return replace(expr, operand=operand, dtype="bool")
        if expr.op == "~":
            self._expect(operand, expr, lambda dtype: not dtype.is_float, "an integer or bool")
        else:
            self._expect(operand, expr, lambda dtype: dtype.kind != "bool", "a number")
        return replace(expr, operand=operand, dtype=operand.dtype)

    def _binary(self, expr: ir.Binary) -> ir.Expr:
        operands = (self.infer(expr.left), self.infer(expr.right))
        if expr.op in _OPERANDS:
            form, holds = _OPERANDS[expr.op]
            for operand in operands:
                self._expect(operand, expr, holds, form)
        left, right = self._together(operands, expr)
        dtype = left.dtype
        if expr.op in _ARITHMETIC:
            self._expect(left, expr, lambda dtype: dtype.kind != "bool", "numbers")
        if expr.op == "/":
            dtype = WEAK_FLOAT if dtype == WEAK_INT else self._as_float(dtype)
        if expr.op in ir.LOGICAL or expr.op in ir.COMPARISONS:
            left, right = (self._adopt(side, _default(side.dtype)) for side in (left, right))
            dtype = "bool"
        return replace(expr, left=left, right=right, dtype=dtype)

    def _call(self, expr: ir.Call) -> ir.Expr:
        operands = tuple(self.infer(arg) for arg in expr.args)
        if expr.function == "xor":
            for operand in operands:
                self._expect(operand, expr, lambda dtype: not dtype.is_float, "integers")
        args = self._together(operands, expr)
        dtype = args[0].dtype
        if expr.function in BOOLEAN_RESULT:
            return replace(expr, args=args, dtype="bool")
        if expr.function not in _KEEPS_INTEGERS:
            dtype = WEAK_FLOAT if dtype == WEAK_INT else self._as_float(dtype)
        return replace(expr, args=args, dtype=dtype)

    def _select(self, expr: ir.Select) -> ir.Expr:
        condition = self.condition(expr.condition)
        then, otherwise = self._together((self.infer(expr.then), self.infer(expr.otherwise)), expr)
        return replace(expr, condition=condition, then=then, otherwise=otherwise, dtype=then.dtype)

    def _reduce(self, expr: ir.Reduce) -> ir.Expr:
        body = self.settled(expr.body)
        axes = tuple(map(self.axis, expr.axes))
        rank = None if expr.rank is None else self._integer(expr.rank, "a rank")
        dtype = body.dtype
        if expr.function in BOOLEAN_RESULT:
            self._expect(body, expr, lambda dtype: dtype.kind == "bool", "bool")
        elif expr.function in INDEX_RESULT:
            dtype = "i64"
        elif expr.function in ("mean", "logsumexp"):
            dtype = self._as_float(dtype)
        elif dtype == "bool" and expr.function in ("sum", "prod"):
            dtype = "i64"
        return replace(expr, body=body, axes=axes, rank=rank, dtype=dtype)

    def _float(self, typed: ir.Expr, expr: ir.Expr) -> ir.Expr:
        self._expect(typed, expr, lambda dtype: dtype.is_float, "a float")
        return typed

    def _as_float(self, dtype: str) -> str:
        """The dtype of a function of real numbers: floats keep theirs, integers become f32."""
        return dtype if dtype == WEAK_FLOAT or all(each.is_float for each in self._options(dtype)) else "f32"

    def _together(self, operands: tuple[ir.Expr, ...], expr: ir.Expr) -> tuple[ir.Expr, ...]:
        """The operands under one dtype: weak ones take the others'; the promotion itself is the operation's dtype."""
        strong = [operand.dtype for operand in operands if operand.dtype not in (WEAK_INT, WEAK_FLOAT)]
        weak_float = any(operand.dtype == WEAK_FLOAT for operand in operands)
        if not strong:
            dtype = WEAK_FLOAT if weak_float else WEAK_INT
        else:
            dtype = self._promoted(strong, expr.span)
            if weak_float:
                dtype = self._as_float(dtype)
        return tuple(self._convert(operand, dtype) for operand in operands)

    def _adopt(self, expr: ir.Expr, dtype: str) -> ir.Expr:
        """A weak expression under a fixed dtype; a fixed one unchanged.

        Arithmetic of literals, dims and index variables alone is done in integers, and becomes a float once.
        """
        if expr.dtype not in (WEAK_INT, WEAK_FLOAT):
            return expr
        if expr.dtype == WEAK_INT and self._options(dtype)[0].is_float and isinstance(expr, ir.Binary | ir.Call):
            return ir.Cast(operand=self._adopt(expr, "i64"), dtype=dtype, span=expr.span)
        return replace(map_children(expr, lambda child: self._adopt(child, dtype)), dtype=dtype)

    def _convert(self, expr: ir.Expr, dtype: str) -> ir.Expr:
        """An operand under the operation's dtype: weak ones adopt it, narrower ones are cast to it (exactly)."""
        if expr.dtype == dtype:
            return expr
        if expr.dtype in (WEAK_INT, WEAK_FLOAT):
            return self._adopt(expr, dtype)
        return ir.Cast(operand=expr, dtype=dtype, span=expr.span)

    def _promoted(self, names: list[str], span: Span) -> str:
        """One name for the promotion of several, whatever the dtype variables are bound to."""
        variables = [var for var in self.spec.dtypes if var.name in names]
        results = []
        for bound in self.choices:
            results.append((bound, _promote_all(DTYPES[bound.get(name, name)] for name in names).name))
        concrete = {result for _, result in results}
        if len(concrete) == 1:
            return self._prefer_variable(names, concrete.pop())
        for var in variables:
            if all(bound[var.name] == result for bound, result in results):
                return var.name
        help_text = "cast the operands to one dtype, such as `f32(x)`"
        self.sink.error("TS113", f"{' with '.join(names)} has no single dtype", span, help=help_text)
        return "f32"

    def _prefer_variable(self, names: list[str], result: str) -> str:
        """A variable with one option stays a variable, so that the kernel's dtype argument governs it."""
        return names[0] if len(set(names)) == 1 else result

    def _options(self, dtype: str) -> list[DType]:
        if dtype in (WEAK_INT, WEAK_FLOAT):
            return [DTYPES["i64" if dtype == WEAK_INT else "f32"]]
        var = next((var for var in self.spec.dtypes if var.name == dtype), None)
        return [DTYPES[option] for option in var.options] if var else [DTYPES[dtype]]

    def _expect(self, operand: ir.Expr, expr: ir.Expr, holds, form: str) -> None:
        if not all(holds(dtype) for dtype in self._options(operand.dtype)):
            what = getattr(expr, "op", None) or getattr(expr, "function", "this")
            help_text = "cast it, or compare it with a number"
            self.sink.error("TS112", f"`{what}` takes {form}, not {operand.dtype}", operand.span, help=help_text)


_ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "^"})
_OPERANDS = {
    **dict.fromkeys(("and", "or"), ("bool", lambda dtype: dtype.kind == "bool")),
    **dict.fromkeys(("&", "|"), ("integers", lambda dtype: not dtype.is_float)),
    **dict.fromkeys(("<<", ">>"), ("integers", lambda dtype: dtype.kind in ("int", "uint"))),
}
"""What an operator takes on each side, before promotion hides it: words for people, and a predicate."""


def _number_dtype(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "bool"
    return WEAK_INT if isinstance(value, int) else WEAK_FLOAT


def _promote_all(dtypes: Iterable[DType]) -> DType:
    first, *rest = dtypes
    for dtype in rest:
        first = promote(first, dtype)
    return first


def _default(dtype: str) -> str:
    return {WEAK_INT: "i64", WEAK_FLOAT: "f32"}.get(dtype, dtype)
