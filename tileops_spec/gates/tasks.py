"""What children do. Imported in the child only, after its limits are set.

A candidate's Python runs in `trace` alone, confined to reading code and writing in its folder; what leaves that process
is the kernel as data (TIR as JSON). `lower` and `emulate` take the data in other processes, where nothing of the
candidate has ever run: so no body can answer for the simulator, call torch for a value, or see a test's tensors.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .confine.profiles import confine_running, confine_tools, confine_tracing
from .inspection import inspect_function
from .thresholds import find_thresholds


def load_factory(kernel: str, factory: str) -> Callable[..., Any]:
    """The factory of a kernel.py at a path, imported under a name of its own."""
    spec = importlib.util.spec_from_file_location("candidate_kernel", kernel)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {kernel}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, factory)


def trace(kernel: str, factory: str, arguments: dict[str, Any]) -> str:
    """The PrimFunc of one build, as JSON."""
    confine_tracing([Path(kernel)])
    return _traced(kernel, factory, arguments)


def trace_each(payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`trace` for builds of one candidate, one after the other: what a child would answer for each."""
    confine_tracing({Path(payload["kernel"]) for payload in payloads})
    return [_answer(_traced, payload) for payload in payloads]


def _traced(kernel: str, factory: str, arguments: dict[str, Any]) -> str:
    from tilelang import tvm

    return tvm.ir.save_json(load_factory(kernel, factory)(**arguments))


def _answer(work: Callable[..., Any], payload: dict[str, Any]) -> dict[str, Any]:
    from .child import describe_error

    try:
        return {"value": work(**payload)}
    except Exception as error:
        return describe_error(error, payload["kernel"])


def digests(kernel: str, factory: str, builds: list[dict[str, Any]]) -> list[str]:
    """For each build, by its arguments, the hash of its TIR as text; or how tracing failed: `TypeError: …`."""
    confine_tracing([Path(kernel)])
    return [_digest_of(load_factory(kernel, factory), arguments) for arguments in builds]


def _digest_of(factory: Callable[..., Any], arguments: dict[str, Any]) -> str:
    import hashlib

    try:
        return hashlib.sha256(factory(**arguments).script().encode()).hexdigest()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def lower(function: str, kernel: str, target: dict[str, str]) -> dict[str, Any]:
    """CUDA source, dynamic shared memory in bytes, threads a block, what the compiler said on the way, and what the
    kernel does to its tensors (`inspect_function`)."""
    import tilelang
    from tilelang import tvm

    confine_tools([])
    loaded = load_function(function)
    with tvm.target.Target(target) as built_for:
        artifact = tilelang.engine.lower(loaded, target=built_for)
    launches = [_launch(each) for _, each in artifact.device_mod.functions.items()]
    facts = inspect_function(loaded)
    return {"cuda": artifact.kernel_source, "launches": launches, "output": _printed(), "facts": facts}


def inspect(function: str, kernel: str) -> dict[str, Any]:
    """What one build does to its tensors (`facts`), and where it changes its mind (`thresholds`)."""
    confine_tools([])
    return _inspected(function, kernel)


def inspect_each(payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`inspect` for several builds: what a child would answer for each."""
    confine_tools([])
    return [_answer(_inspected, payload) for payload in payloads]


def _inspected(function: str, kernel: str) -> dict[str, Any]:
    loaded = load_function(function)
    return {"facts": inspect_function(loaded), "thresholds": find_thresholds(loaded)}


def load_function(function: str) -> Any:
    """The PrimFunc that JSON stands for; TypeError for anything else."""
    from tilelang import tvm

    loaded = tvm.ir.load_json(function)
    if not isinstance(loaded, tvm.tirx.PrimFunc):
        raise TypeError(f"the factory returns {type(loaded).__name__}, not a PrimFunc")
    return loaded


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


def emulate(function: str, kernel: str, runs: list[dict[str, Any]], outputs: str) -> dict[str, Any]:
    """Run one build, emulated, on each of `runs`; the tensors of a run lie in files, outputs poisoned by the caller.

    Outputs are written back to their files, in the folder `outputs`; for inputs the digest after the run comes back,
    for the caller to compare.
    """
    from ..simulate import Kernel, Unsupported, translate
    from ..simulate.build import build_library, default_cache_dir

    cache = default_cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    confine_tools([cache, Path(outputs)])
    try:
        program = translate(load_function(function))
        library = build_library(program.source)
    except Unsupported as error:
        return {"unsupported": error.reason, "line": error.line}
    inputs = (Path(record["path"]) for run in runs for record in run["tensors"])
    confine_running([cache, *inputs], [Path(outputs)])
    simulated = Kernel(program, library)
    return {"runs": [_run(simulated, run) for run in runs]}


def _run(simulated: Any, run: dict[str, Any]) -> dict[str, Any]:
    from ..simulate import check_order
    from .tensors import digest, read_tensor, write_tensor

    records = run["tensors"]
    tensors = [read_tensor(each) for each in records]
    buffers = [tensor if tensor.dim() else tensor.view(1) for tensor in tensors]  # TileLang has no rank 0
    report = (
        check_order(simulated, buffers, seed=run["seed"]) if run["both"] else simulated.run(buffers, seed=run["seed"])
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


TASKS: dict[str, Callable[..., Any]] = {
    "digests": digests,
    "trace": trace,
    "trace_each": trace_each,
    "inspect": inspect,
    "inspect_each": inspect_each,
    "lower": lower,
    "emulate": emulate,
}
"""What a child can be asked to do, by name."""
