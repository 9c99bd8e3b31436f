"""What generated code calls things."""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from ..ir.spec import Spec, TensorDecl

_USED_BY_TEMPLATES = frozenset(
    {"T", "TUNABLES", "Tensor", "abs", "bool", "dtype", "float", "functools", "int", "kernel", "math", "max", "min"}
    | {"round", "self", "str", "tilelang", "torch", "tuple"}
)

_CPP_KEYWORDS = (
    "alignas alignof asm auto bool break case catch char class compl concept const consteval constexpr constinit "
    "const_cast continue decltype default delete do double dynamic_cast else enum explicit export extern false "
    "float for friend goto if inline int long mutable namespace new noexcept nullptr operator private protected "
    "public register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct "
    "switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void "
    "volatile wchar_t while and and_eq bitand bitor not not_eq or or_eq xor xor_eq"
)
CPP_KEYWORDS = frozenset(_CPP_KEYWORDS.split())
"""What no variable of the CUDA may be called: TileLang keeps the names of a kernel's buffers and variables."""


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

    Keywords, of Python and of C++, and names that the templates use get a trailing underscore; letters outside ASCII,
    which torch's operator schemas do not take, are spelled by code point.
    """
    ascii_name = "".join(letter if letter.isascii() else f"u{ord(letter):x}" for letter in name)
    reserved = keyword.iskeyword(ascii_name) or ascii_name in _USED_BY_TEMPLATES | CPP_KEYWORDS
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
