"""What can go wrong before a kernel runs."""

from __future__ import annotations


class Unsupported(Exception):
    """The kernel uses something that the simulator cannot run faithfully: a verdict of its own, never a pass.

    `reason` names the construct; `line` is its line in the kernel's Python file, where the TIR carries spans.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class CompilerMissing(Exception):
    """No C++ compiler: the simulator needs g++ (or the one that CXX names)."""


class CompilationFailed(Exception):
    """The compiler refused generated code: a bug of the simulator, not of the kernel."""
