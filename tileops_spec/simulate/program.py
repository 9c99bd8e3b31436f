"""Translate, build, run: the three steps of a simulation."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import records
from .build import build_library
from .report import Finding, Report

if TYPE_CHECKING:
    import torch

    from .translate import Translation

Order = Literal["shuffled", "forward", "reverse"]
Direction = Literal["forward", "reverse"]


@dataclass(frozen=True, slots=True)
class Program:
    """A translated kernel."""

    translation: Translation

    @property
    def source(self) -> str:
        """The C++ text."""
        return self.translation.source


class Kernel:
    """A compiled kernel. Runs are serialized: the library keeps its state in globals."""

    def __init__(self, program: Program, library: Path) -> None:
        self.program = program
        self.library = library
        self._lock = threading.Lock()
        self._entry = ctypes.CDLL(str(library)).tospec_run
        self._entry.restype = None

    def run(
        self,
        tensors: Sequence[torch.Tensor | int | float | bool],
        *,
        order: Order = "shuffled",
        seed: int = 0,
        parallel: Direction = "forward",
    ) -> Report:
        """Run on contiguous CPU tensors (and numbers) in parameter order; outputs are written in place.

        `order` is that in which blocks, and threads, take their turns; `parallel` the direction of T.Parallel loops.
        Raises ValueError that names the parameter where an argument does not fit its declaration.
        """
        from .tensors import bind_arguments

        translation = self.program.translation
        pointers, extents = bind_arguments(translation.parameters, translation.dynamic, tensors)
        table = (ctypes.c_void_p * max(1, len(pointers)))(*[ctypes.cast(p, ctypes.c_void_p) for p in pointers])
        dims = (ctypes.c_int64 * max(1, len(extents)))(*extents)
        options = records.Options(records.ORDERS[order], int(parallel == "reverse"), seed % 2**64)
        found = records.allocate(len(translation.sites))
        started = time.perf_counter()
        with self._lock:
            self._entry(table, dims, ctypes.byref(options), found)
        seconds = time.perf_counter() - started
        return Report(records.findings(found, translation.sites, translation.barriers), seconds)


def translate(func) -> Program:
    """Translate a PrimFunc that is not lowered (a lazy `@T.prim_func`). Raises Unsupported."""
    from .translate import translate_function

    return Program(translate_function(func))


def build(program: Program, *, cache_dir: str | Path | None = None) -> Kernel:
    """Compile a program, or take it from the cache. Raises CompilerMissing where there is no g++."""
    return Kernel(program, build_library(program.source, None if cache_dir is None else Path(cache_dir)))


def simulate(
    func,
    tensors: Sequence[torch.Tensor | int | float | bool],
    *,
    cache_dir: str | Path | None = None,
    order: Order = "shuffled",
    seed: int = 0,
    parallel: Direction = "forward",
) -> Report:
    """Translate, build and run once."""
    kernel = build(translate(func), cache_dir=cache_dir)
    return kernel.run(tensors, order=order, seed=seed, parallel=parallel)


def check_order(kernel: Kernel, tensors: Sequence[torch.Tensor | int | float | bool], *, seed: int = 0) -> Report:
    """Run with T.Parallel loops forward on `tensors` and reversed on copies, and compare.

    A loop whose iterations depend on each other, such as `s[i] += s[i - 1]`, gives a finding of kind
    "order-dependence" for each tensor that differs. `tensors` hold the results of the forward run.
    """
    import torch

    copies = [t.clone() if isinstance(t, torch.Tensor) else t for t in tensors]
    forward = kernel.run(tensors, seed=seed)
    backward = kernel.run(copies, seed=seed, parallel="reverse")
    parameters = kernel.program.translation.parameters
    different = [_difference(p.name, a, b) for p, a, b in zip(parameters, tensors, copies, strict=True)]
    found = tuple(f for f in different if f is not None) + forward.findings
    return Report(found, forward.seconds + backward.seconds)


def _difference(name: str, a, b) -> Finding | None:
    import torch

    if not isinstance(a, torch.Tensor):
        return None
    unequal = a.view(torch.uint8) != b.view(torch.uint8) if a.dim() else (a != b).reshape(1)
    if not unequal.any():
        return None
    count = int(unequal.sum())
    index = tuple(int(i) for i in (unequal.nonzero()[0]))
    message = (
        f"{name} differs when the T.Parallel loops run from their end: an iteration uses what another one wrote; "
        "iterations of T.Parallel must be independent"
    )
    return Finding(
        kind="order-dependence",
        severity="error",
        message=message,
        buffer=name,
        index=index,
        block=(),
        line=None,
        count=count,
    )
