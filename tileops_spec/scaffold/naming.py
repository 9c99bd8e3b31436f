"""What generated code calls things."""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from ..ir.spec import Spec, TensorDecl

_USED_BY_TEMPLATES = frozenset(
    {"T", "TUNABLES", "Tensor", "abs", "bool", "dtype", "float", "functools", "int", "kernel", "math", "max", "min"}
    | {"round", "self", "str", "tilelang", "torch", "tuple"}
)


def class_stem(op: str) -> str:
    """`rms_norm` → `RmsNorm`."""
    return "".join(part[:1].upper() + part[1:] for part in op.split("_"))


def kernel_class(op: str) -> str:
    return f"{class_stem(op)}Kernel"


def op_class(op: str) -> str:
    return f"{class_stem(op)}Op"


def factory_name(op: str) -> str:
    """The function in kernel.py that returns the prim_func."""
    return f"{op}_kernel"


def safe_name(name: str) -> str:
    """The Python name of a dim, param or tensor: `name` itself wherever generated code can use it.

    Keywords and names that the templates use get a trailing underscore; letters outside ASCII, which torch's operator
    schemas do not take, are spelled by code point.
    """
    ascii_name = "".join(letter if letter.isascii() else f"u{ord(letter):x}" for letter in name)
    reserved = keyword.iskeyword(ascii_name) or ascii_name in _USED_BY_TEMPLATES
    return f"{ascii_name}_" if reserved else ascii_name


def dtype_parameter(spec: Spec, variable: str) -> str:
    """The factory's argument for a dtype variable: `dtype` where there is one variable, else `dtype_<name>`."""
    return "dtype" if len(spec.dtypes) == 1 else f"dtype_{safe_name(variable.lower())}"


def presence_flag(tensor: TensorDecl) -> str:
    """The factory's argument that says whether an optional input is given."""
    return f"has_{safe_name(tensor.name)}"


def spec_location(spec: Spec) -> str:
    """Where the spec lies in its repository, the same whatever folder the build was started from."""
    return f"specs/{spec.op}.yaml"


def has_ambiguous_names(names: Iterable[str]) -> bool:
    """Whether linters take one of the names for a digit: E741."""
    return not {"l", "I", "O"}.isdisjoint(names)


def all_names(spec: Spec) -> tuple[str, ...]:
    """The names of dims, params, inputs and outputs."""
    return tuple(each.name for each in (*spec.dims, *spec.params, *spec.inputs, *spec.outputs))
