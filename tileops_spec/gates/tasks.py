"""What children do: trace, lower and run a candidate. Imported in the child only, after its limits are set."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load_factory(kernel: str, factory: str) -> Callable[..., Any]:
    """The factory of a kernel.py at a path, imported under a name of its own."""
    spec = importlib.util.spec_from_file_location("candidate_kernel", kernel)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {kernel}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, factory)


def trace(kernel: str, factory: str, arguments: dict[str, Any]) -> Any:
    """The PrimFunc of one build."""
    return load_factory(kernel, factory)(**arguments)


def lower(kernel: str, factory: str, arguments: dict[str, Any], target: dict[str, str]) -> dict[str, Any]:
    """CUDA source, dynamic shared memory in bytes, threads a block, and what the compiler said on the way."""
    import tilelang
    from tilelang import tvm

    function = trace(kernel, factory, arguments)
    with tvm.target.Target(target) as built_for:
        artifact = tilelang.engine.lower(function, target=built_for)
    launches = [_launch(each) for _, each in artifact.device_mod.functions.items()]
    return {"cuda": artifact.kernel_source, "launches": launches, "output": _printed()}


def _launch(function: Any) -> dict[str, int]:
    attributes = dict(function.attrs)
    extents = dict(attributes.get("thread_extent", {}))
    threads = 1
    for axis in ("threadIdx.x", "threadIdx.y", "threadIdx.z"):
        threads *= int(extents.get(axis, 1))
    return {"threads": threads, "shared": int(attributes.get("dyn_shared_memory_buf", 0))}


def _printed() -> str:
    from .child import OUTPUT

    return Path(OUTPUT).read_text(encoding="utf-8", errors="replace")[-4000:] if os.path.exists(OUTPUT) else ""


def emulate(kernel: str, factory: str, arguments: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Run one build, emulated, on each of `runs`; the tensors of a run lie in files, outputs poisoned by the caller.

    Outputs are written back to their files; for inputs the digest after the run comes back, for the caller to compare.
    """
    from ..simulate import Unsupported, build, translate

    try:
        simulated = build(translate(trace(kernel, factory, arguments)))
    except Unsupported as error:
        return {"unsupported": error.reason, "line": error.line}
    return {"runs": [_run(simulated, run) for run in runs]}


def _run(simulated: Any, run: dict[str, Any]) -> dict[str, Any]:
    from ..simulate import check_order
    from .tensors import digest, read_tensor, write_tensor

    records = run["tensors"]
    tensors = [read_tensor(each) for each in records]
    report = (
        check_order(simulated, tensors, seed=run["seed"]) if run["both"] else simulated.run(tensors, seed=run["seed"])
    )
    for record, tensor in zip(records, tensors, strict=True):
        if record["role"] != "input":
            write_tensor(record, tensor)
    pairs = zip(records, tensors, strict=True)
    return {
        "findings": [_finding(each) for each in report.findings],
        "digests": {record["name"]: digest(tensor) for record, tensor in pairs if record["role"] == "input"},
        "seconds": report.seconds,
    }


def _finding(finding: Any) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in ("kind", "severity", "message", "line", "count")}


TASKS: dict[str, Callable[..., Any]] = {"lower": lower, "emulate": emulate}
"""What a child can be asked to do, by name."""
