"""What a model writes: the statements of a prim_func, and its tunables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TypeAlias

Tunable: TypeAlias = "int | float | bool | str"


@dataclass(frozen=True, slots=True)
class Body:
    """`code`: dedented statements, ending in a line break. `tunables`: names with their candidates, the first of which
    is the default; order counts."""

    code: str
    tunables: tuple[tuple[str, tuple[Tunable, ...]], ...] = ()

    @property
    def sha256(self) -> str:
        """Hex digest over code and tunables; stable over Python versions."""
        canonical = json.dumps([self.code, self.tunables], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
