"""Tensors and numbers on their way into a kernel: checked against the declared parameters."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from .translate.kernel import Parameter

SCALARS = {
    "int8": ctypes.c_int8,
    "int16": ctypes.c_int16,
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "uint8": ctypes.c_uint8,
    "uint16": ctypes.c_uint16,
    "uint32": ctypes.c_uint32,
    "uint64": ctypes.c_uint64,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
    "bool": ctypes.c_uint8,
}


def bind_arguments(parameters: tuple[Parameter, ...], dynamic: tuple, values: Sequence) -> tuple[list, list[int]]:
    """Addresses of the arguments (kept alive by the list's owners), and the values of the dynamic extents.

    Raises ValueError that names the parameter whose value does not fit.
    """
    if len(values) != len(parameters):
        names = ", ".join(p.name for p in parameters)
        raise ValueError(f"{len(values)} arguments for the {len(parameters)} parameters {names}")
    extents: dict = {}
    for parameter, value in zip(parameters, values, strict=True):
        if parameter.shape is not None:
            _check_tensor(parameter, value, extents)
    for parameter, value in zip(parameters, values, strict=True):
        if parameter.shape is not None:
            _check_shape(parameter, value, extents)
    pointers = [_pointer(p, v) for p, v in zip(parameters, values, strict=True)]
    return pointers, [extents[var] for var in dynamic]


def _check_tensor(parameter: Parameter, value, extents: dict) -> None:
    import torch

    name = parameter.name
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"{name}: a {type(value).__name__} where a tensor is declared")
    if value.device.type != "cpu" or not value.is_contiguous():
        raise ValueError(f"{name}: the simulator takes contiguous CPU tensors")
    declared = parameter.dtype.replace("float8_e4m3", "float8_e4m3fn").replace("fnfn", "fn")
    declared = declared.replace("custom[tfloat32]", "float32")
    if str(value.dtype).removeprefix("torch.") != declared:
        raise ValueError(f"{name}: dtype {value.dtype} where {parameter.dtype} is declared")
    if value.dim() != len(parameter.shape):
        raise ValueError(f"{name}: {value.dim()} dimensions where {len(parameter.shape)} are declared")
    for extent, actual in zip(parameter.shape, value.shape, strict=True):
        if type(extent).__name__ in ("Var", "SizeVar"):
            extents.setdefault(extent, actual)


def _check_shape(parameter: Parameter, value, extents: dict) -> None:
    expected = tuple(_extent(extent, extents) for extent in parameter.shape)
    if tuple(value.shape) != expected:
        raise ValueError(f"{parameter.name}: shape {tuple(value.shape)} where {expected} is declared")


def _extent(extent, extents: dict) -> int:
    if type(extent).__name__ == "IntImm":
        return int(extent.value)
    if extent in extents:
        return extents[extent]
    from tvm import arith, tirx
    from tvm.tirx.stmt_functor import substitute

    values = {var: tirx.IntImm(var.dtype, value) for var, value in extents.items()}
    return int(arith.Analyzer().simplify(substitute(extent, values)))


def _pointer(parameter: Parameter, value):
    if parameter.shape is not None:
        return ctypes.c_void_p(value.data_ptr())
    if parameter.dtype not in SCALARS or isinstance(value, (str, bytes)):
        raise ValueError(f"{parameter.name}: a {type(value).__name__} where {parameter.dtype} is declared")
    number = float(value) if parameter.dtype.startswith("float") else int(value)
    return ctypes.pointer(SCALARS[parameter.dtype](number))
