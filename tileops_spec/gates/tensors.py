"""Tensors in files: raw bytes beside a JSON record, so that neither side has to trust what the other one wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

POISON_BYTE = 0xFF
"""Outputs start as these bytes: NaN in every float format, -1 in integers."""


def record_tensor(name: str, role: str, tensor: Tensor, path: Path) -> dict[str, Any]:
    """Write a contiguous CPU tensor to `path`; the record says how to read it. `role`: `input`, `output`, `updated`."""
    path.write_bytes(_bytes(tensor))
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"name": name, "role": role, "path": str(path), "shape": list(tensor.shape), "dtype": dtype}


def poisoned(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A tensor that no kernel has written yet."""
    tensor = torch.empty(shape, dtype=dtype)
    tensor.view(torch.uint8).fill_(POISON_BYTE) if tensor.ndim else tensor.view(1).view(torch.uint8).fill_(POISON_BYTE)
    return tensor


def is_poison(tensor: Tensor) -> Tensor:
    """Where every byte of an element still has the poison."""
    size = tensor.element_size()
    return (tensor.contiguous().flatten().view(torch.uint8).view(-1, size) == POISON_BYTE).all(dim=1)


def read_tensor(record: dict[str, Any]) -> Tensor:
    """The tensor of a record, contiguous, in memory of its own."""
    data = bytearray(Path(record["path"]).read_bytes())
    return torch.frombuffer(data, dtype=getattr(torch, record["dtype"])).reshape(record["shape"])


def write_tensor(record: dict[str, Any], tensor: Tensor) -> None:
    Path(record["path"]).write_bytes(_bytes(tensor))


def digest(tensor: Tensor) -> str:
    """The hash of a tensor's bytes."""
    return hashlib.sha256(_bytes(tensor)).hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
