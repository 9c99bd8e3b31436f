"""What the formatter knows of a spec's keys: their order, and what their strings hold."""

from __future__ import annotations

import re
from typing import Literal

from ..parse import Entry

WIDTH = 120
"""Columns of a line, comments apart."""

STEP = 2
"""Columns of one level of indentation."""

Role = Literal["data", "prose", "python", "math"] | Entry
"""What a scalar holds: data (names, numbers), a sentence, Python, statements, or one string of the language."""

STRINGS: dict[str, Entry] = {
    "constants": "clause",
    "dtypes": "dtype_set",
    "inputs": "tensor_type",
    "params": "param_type",
    "outputs": "tensor_type",
    "where": "clause",
}
"""What the scalars directly below a key are, where they are of the language."""

ORDER = (
    "op",
    "summary",
    "family",
    "status",
    "constants",
    "dtypes",
    "dims",
    "inputs",
    "params",
    "outputs",
    "where",
    "math",
    "reference",
    "tolerance",
    "hardware",
    "workloads",
)

_SUPPRESSION = re.compile(r"#\s*tospec\s*:")


def role_of(path: tuple[str, ...]) -> Role:
    """The role of the scalar at a path of keys; "" stands for a place in a list."""
    if len(path) == 1:
        return {"summary": "prose", "math": "math"}.get(path[0], "data")  # type: ignore[return-value]
    if path == ("tolerance", "reason"):
        return "prose"
    if len(path) != 2 or (path[1] == "") != (path[0] == "where"):
        return "data"
    return "python" if path[0] == "reference" else STRINGS.get(path[0], "data")


def in_order(keys: list[str]) -> list[str]:
    """The keys in the order of specs; an unknown one stays behind the known one that it follows."""
    ranks: dict[str, int] = {}
    rank = -1
    for key in keys:
        rank = ORDER.index(key) if key in ORDER else rank
        ranks[key] = rank
    return sorted(keys, key=lambda key: ranks[key])


def is_suppression(comment: str) -> bool:
    """Whether a comment speaks of the findings on a line: what stands on that line must not move to others."""
    return _SUPPRESSION.match(comment) is not None
