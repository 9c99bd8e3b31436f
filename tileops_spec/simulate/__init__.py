"""Runs TileLang kernels on the CPU, and reports what is wrong with them.

    kernel = build(translate(func))
    report = kernel.run([a, b, c])

`translate` walks the PrimFunc before lowering and writes C++; `build` compiles it (g++, cached by content); `run`
executes it on CPU tensors. What the simulator watches:

- On-chip buffers start as NaN, and each element has a flag: unwritten, clean, or derived from an unwritten read at some
  site. Every load merges flags, every store writes the merged flag, a gemm merges along rows and columns: so a read of
  an unwritten element is a warning, and an error once its value reaches a global tensor, a branch, a bound or the
  address of a store.
- Indices of on-chip buffers are checked (where they are not proven); those of global tensors are guarded, as TileLang
  guards them: a load outside gives 0, a store outside is skipped, both are counted.
- Each global element remembers the block that wrote it last in this launch: another block may touch it atomically only.
- T.Parallel runs forward or reversed (`check_order` compares), blocks and threads in the order of `run(order=…)`.
- A kernel with thread-level code runs one fiber for each group of threads that it cannot tell apart; barriers are real,
  and one that never completes is a finding. wgmma and TMA loads run at once or late, by the same order; in a shuffled
  run the blocks differ in which of them are late, and in which threads wait for all others.

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
