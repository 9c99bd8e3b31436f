"""The hash that says whether a body was written for this spec."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from ..ir.spec import Spec

_PARTS = ("op", "dtypes", "dims", "params", "inputs", "outputs", "where", "math", "hardware")
_LATER = ("assumptions", "dtype_groups")
"""Parts that the first contracts did not have: left out where empty, so that those stay what they were."""


def contract_hash(spec: Spec) -> str:
    """Hex sha256 of signature, clauses, mathematics, hardware and an override of the tolerance.

    Not of summary, workloads, references, the reason of the override, or places.
    """
    return hashlib.sha256(contract_json(spec).encode()).hexdigest()


def contract_json(spec: Spec) -> str:
    """What is hashed: compact JSON with sorted keys, ASCII only."""
    names = (*_PARTS, *(name for name in _LATER if getattr(spec, name)))
    parts = {name: _plain(getattr(spec, name)) for name in names}
    if spec.tolerance is not None:
        parts["tolerance"] = spec.tolerance.factor
    return json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """JSON data of IR nodes. Fields at their default are left out, so that a new optional field of the IR does not make
    every body stale; fields that take no part in equality (places) are left out as well."""
    if is_dataclass(value):
        pairs = ((each, getattr(value, each.name)) for each in fields(value) if each.compare)
        return {each.name: _plain(content) for each, content in pairs if _counts(each, content)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _counts(each: Any, content: Any) -> bool:
    """The tag of a node always; other fields where they differ from their default, and `True` differs from `1`."""
    at_default = each.default is not MISSING and each.default == content and type(each.default) is type(content)
    return each.name == "kind" or not at_default
