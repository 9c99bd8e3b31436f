"""Findings of a run: what each means is said in its message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of trouble at one place of the kernel.

    `index` and `block` are those of the first occurrence; `count` says how often it occurred. `line` is the line in
    the kernel's Python file, None where the TIR carries no spans.
    """

    kind: str
    severity: Severity
    message: str
    buffer: str
    index: tuple[int, ...]
    block: tuple[int, ...]
    line: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a run, errors first, and its time in seconds."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """No finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)
