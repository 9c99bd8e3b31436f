"""A spec with some of its names replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ..ir.spec import Reference, Spec, Workload

_NAMES = frozenset({"name", "tensor", "target", "dtype", "names"})
"""The fields of IR nodes that name something declared. Index variables share those fields, and never those names."""


def rename(spec: Spec, names: Mapping[str, str]) -> Spec:
    """The spec with declared names (tensors, dims, params, dtype variables, constants, locals) replaced; references are
    Python, and stay as they are. The new names must not stand for anything else in it."""
    return _renamed(spec, names) if names else spec


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_renamed(item, names) for item in value)
    if isinstance(value, Workload):
        return replace(value, values=tuple((names.get(key, key), each) for key, each in value.values))
    if not is_dataclass(value) or isinstance(value, Reference):
        return value
    pairs = ((each.name, getattr(value, each.name)) for each in fields(value) if each.compare and each.init)
    return replace(value, **{key: _field(key, content, names) for key, content in pairs})


def _field(key: str, content: Any, names: Mapping[str, str]) -> Any:
    if key not in _NAMES:
        return _renamed(content, names)
    return tuple(names.get(each, each) for each in content) if key == "names" else names.get(content, content)
