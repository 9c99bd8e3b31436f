"""The names that the Python expression of a reference sees."""

from __future__ import annotations

from ..ir.spec import Spec

MODULES = ("torch", "math")
FUNCTIONS = ("wide",)
"""What tospec adds: `wide(x)` is x in float32, or in float64 where it is that."""
BUILTINS = (
    *("abs", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range", "reversed", "round"),
    *("sum", "tuple", "zip"),
)


def visible_names(spec: Spec) -> tuple[str, ...]:
    """Modules, tensors, dims, params, constants and dtype variables, by the names that the spec gives them."""
    declared = (*spec.inputs, *spec.dims, *spec.params, *spec.constants, *spec.dtypes)
    return (*MODULES, *FUNCTIONS, *(each.name for each in declared))
