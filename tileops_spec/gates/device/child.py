"""The process that runs one build on the GPU: spawned, never forked, since CUDA does not survive a fork.

`python -m tileops_spec.gates.device.child FOLDER` reads FOLDER/request.json and writes FOLDER/result.json. It is given
the kernel as data (TIR in JSON); nothing of the body's Python runs here.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

REQUEST, RESULT = "request.json", "result.json"
LAYERS = ("landlock", "seccomp")
"""What may confine the child, from the outside in."""


def main(folder: Path) -> None:
    """Confine, do what is asked, leave the result as JSON."""
    os.chdir(folder)
    request = json.loads(Path(REQUEST).read_text(encoding="utf-8"))
    confine(request["layers"], folder, Path(request["outputs"]))
    try:
        result: dict[str, Any] = {"value": TASKS[request["task"]](request)}
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"[:4000]}
    temporary = Path(f"{RESULT}.new")
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(RESULT)


def confine(layers: list[str], folder: Path, outputs: Path) -> None:
    """Writes go to the folders and the devices alone, sockets are refused; compilers may start. No limit of address
    space: CUDA reserves more of it than there is memory."""
    from ..confine import landlock, seccomp
    from ..confine.limits import first_to_go

    first_to_go()
    if "landlock" in layers:
        devices = sorted(Path("/dev").glob("nvidia*"))
        landlock.restrict(read=None, write=[folder, outputs, *devices, Path("/dev/shm")], execute=True)
    if "seccomp" in layers:
        seccomp.refuse(programs=True)


def start(request: dict[str, Any]) -> dict[str, Any]:
    """Whether CUDA works in here, and what it is."""
    import torch

    torch.zeros(1, device="cuda")
    return {"devices": torch.cuda.device_count(), "name": torch.cuda.get_device_name(), "cuda": torch.version.cuda}


def calls(request: dict[str, Any]) -> dict[str, Any]:
    """Every call on every case of one build."""
    from ..tasks import load_function
    from .calls import Session
    from .cuda import CudaPlatform, compile_kernel

    function = load_function(request["function"])
    end_after(request["seconds"])
    kernel = compile_kernel(function, request["target"])
    end_after(0)
    with open(request["turn"], "rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # other builds compile meanwhile; waiting for them costs no time
        end_after(request["seconds"])
        platform, outputs = CudaPlatform(), Path(request["outputs"])
        runs: list[list[dict[str, Any]]] = []
        for number, sets in enumerate(request["runs"]):
            runs.append(Session(platform, kernel, sets, outputs, number).run())
            if any("error" in each for each in runs[-1]):
                break
        return {"runs": runs, "atomics": has_atomics(function), "devices": platform.count()}


def end_after(seconds: float) -> None:
    """SIGALRM ends this process then, whatever it does; 0 takes that back."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def once(request: dict[str, Any]) -> dict[str, Any]:
    """One call on tensors that are as large as they say: for a sanitizer, which guards them itself."""
    import torch

    from ..tasks import load_function
    from ..tensors import read_tensor
    from .arena import buffer_shape
    from .cuda import compile_kernel

    kernel = compile_kernel(load_function(request["function"]), request["target"])
    tensors = [
        torch.empty(buffer_shape(each), dtype=getattr(torch, each["dtype"]), device="cuda")
        if each["role"] == "output"
        else read_tensor(each).view(buffer_shape(each)).cuda()
        for each in request["runs"][0][0]
    ]
    kernel(tensors)
    torch.cuda.synchronize()
    return {}


def has_atomics(function: Any) -> bool:
    """Whether a PrimFunc calls an atomic: then the order of its additions may differ from call to call."""
    from tilelang import tvm

    found: list[bool] = []

    def visit(node: Any) -> None:
        if type(node).__name__ == "Call":
            found.append("atomic" in str(getattr(node.op, "name", node.op)).lower())

    tvm.tirx.stmt_functor.post_order_visit(function.body, visit)
    return any(found)


TASKS = {"start": start, "calls": calls, "once": once}
"""What the child can be asked to do, by name."""

if __name__ == "__main__":
    main(Path(sys.argv[1]))
