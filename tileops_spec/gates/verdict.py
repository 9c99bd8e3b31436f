"""What one gate said of a body."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText

Status = Literal["passed", "failed", "skipped", "unsupported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`summary` is one line; `tools` are the versions that the verdict depends on; `facts` are what was measured on the
    way (JSON data); `sources` are texts that the findings point into. `seconds` is wall-clock time."""

    gate: str
    status: Status
    seconds: float
    summary: str
    diagnostics: tuple[Diagnostic, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[SourceText, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything but the sources; findings as code and message."""
        return {
            "gate": self.gate,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "summary": self.summary,
            "tools": dict(self.tools),
            "facts": dict(self.facts),
            "findings": [{"code": each.code, "message": each.message} for each in self.diagnostics],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """A kept verdict, without its findings."""
        kept = {name: data[name] for name in ("gate", "status", "seconds", "summary", "tools", "facts")}
        return cls(**kept)


class Stopwatch:
    """Wall-clock seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started
