"""Runs TileLang kernels on the CPU, and reports what is wrong with them.

    kernel = build(translate(func))
    report = kernel.run([a, b, c])

Importing this package imports neither torch nor tilelang.
"""

from __future__ import annotations

from .errors import CompilationFailed, CompilerMissing, Unsupported
from .program import Kernel, Program, build, check_order, simulate, translate
from .report import Finding, Report

__all__ = [
    "CompilationFailed",
    "CompilerMissing",
    "Finding",
    "Kernel",
    "Program",
    "Report",
    "Unsupported",
    "build",
    "check_order",
    "simulate",
    "translate",
]
