"""TIR dtypes and names as C++ ones."""

from __future__ import annotations

import re

from ..errors import Unsupported

CPP_TYPES = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "float",
    "float64": "double",
    "float8_e4m3fn": "e4m3",
    "float8_e4m3": "e4m3",
    "float8_e5m2": "e5m2",
    "float8_e8m0fnu": "e8m0",
    "custom[tfloat32]": "tf32",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "bool": "bool",
}
TAGS = {"float": "F32", "double": "F64"}
NARROW = frozenset({"f16", "bf16", "e4m3", "e5m2", "e8m0", "tf32"})
FLOATS = NARROW | {"float", "double"}


def cpp_type(dtype: object) -> str:
    """The C++ type of a scalar dtype. Raises Unsupported for vectors and packed types."""
    name = str(dtype)
    if name == "handle":
        raise Unsupported("a pointer that the kernel computes with (T.ptr, T.make_tensor)")
    if name not in CPP_TYPES:
        raise Unsupported(f"dtype {name}")
    return CPP_TYPES[name]


def tag(cpp: str) -> str:
    """The runtime's DType of a C++ type."""
    return TAGS.get(cpp, cpp.upper())


class Names:
    """C++ identifiers, each given once."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        base = "v_" + re.sub(r"\W", "_", hint)
        n = self._taken[base] = self._taken.get(base, -1) + 1
        return f"{base}_{n}"
