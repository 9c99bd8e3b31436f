"""Children for the GPU: spawned, each the leader of its own process group, with a cleaned environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..child import is_kept
from ..isolation import Completed, Crashed, Limits, Outcome, Raised, TimedOut, printable
from .child import LAYERS, REQUEST, RESULT

_MODULE = "tileops_spec.gates.device.child"
_ALSO = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "TRITON_PTXAS_PATH")
_TAIL = 2000
_LARGEST_RESULT = 64 * 2**20
_STARTING = 120.0


def spawn(
    task: str,
    payload: Mapping[str, Any],
    limits: Limits,
    *,
    before: Sequence[str] = (),
    layers: Sequence[str] = LAYERS,
    more: Mapping[str, str] | None = None,
) -> tuple[Outcome, str]:
    """What `task` (of device.child) makes of JSON data, and the end of what was printed. `before` stands before the
    command, `more` is added to its environment."""
    with tempfile.TemporaryDirectory(prefix="tospec-device-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        outputs = payload.get("outputs", str(folder))
        request = {**payload, "task": task, "layers": list(layers), "outputs": outputs}
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        command = [*before, sys.executable, "-m", _MODULE, str(folder)]
        status = _run(command, folder, {**child_environment(folder), **(more or {})}, limits.seconds)
        printed = printable((folder / "output.txt").read_bytes().decode("utf-8", errors="replace"))
        return _outcome(folder, status, printed, limits), printed


def child_environment(folder: Path) -> dict[str, str]:
    """Of this process, without keys; every cache lies in `folder`."""
    kept = {name: value for name, value in os.environ.items() if is_kept(name) or name in _ALSO}
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    caches = {name: str(folder) for name in ("TMPDIR", "CUDA_CACHE_PATH", "TILELANG_CACHE_DIR", "XDG_CACHE_HOME")}
    return {**kept, **caches, "PYTHONPATH": os.pathsep.join(paths)}


def _run(command: list[str], folder: Path, environment: dict[str, str], seconds: float) -> int | None:
    """The exit status; None where time ran out. Nothing of the group is left behind."""
    with open(folder / "output.txt", "wb") as printed:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _outcome(folder: Path, status: int | None, printed: str, limits: Limits) -> Outcome:
    if status is None or status == -signal.SIGALRM:  # the child's own clock
        return TimedOut(limits.seconds)
    path = folder / RESULT
    with suppress(OSError, ValueError):
        if path.stat().st_size <= _LARGEST_RESULT:
            match json.loads(path.read_bytes()):
                case {"value": dict(value)}:
                    return Completed(value)
                case {"error": str(error)}:
                    kind, _, message = error.partition(": ")
                    return Raised(printable(kind), printable(message), None)
    reason = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return Crashed(reason, printed[-_TAIL:])


@lru_cache(maxsize=1)
def holding_layers() -> tuple[tuple[str, ...], Outcome]:
    """The layers with which CUDA starts here, as many as possible, and what it says of itself."""
    outcome: Outcome = Crashed("not tried", "")
    for count in range(len(LAYERS), -1, -1):
        layers = LAYERS[:count]
        outcome, _ = spawn("start", {}, Limits(seconds=_STARTING), layers=layers)
        if isinstance(outcome, Completed):
            return layers, outcome
    return (), outcome
