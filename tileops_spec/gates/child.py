"""The child's side of isolation: limits first, then the task, then its result as JSON."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

RESULT = "result.json"
OUTPUT = "output.txt"
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|AUTH", re.I)
_PROCESSOR_SLACK = 4
"""Processor seconds allowed for each second of wall-clock time: compilers run beside the task."""


def clean_environment() -> None:
    """Take everything that looks like a secret out of this process's environment."""
    for name in list(os.environ):
        if _SECRET.search(name):
            del os.environ[name]


def run_task(task: str, payload: str, folder: str, seconds: float, memory: int) -> None:
    """Entered in a fresh fork. Never returns an exception to multiprocessing: all that is said goes into the folder."""
    os.setsid()
    clean_environment()  # a server that had to be started again may have been given all of it
    os.chdir(folder)
    _redirect(Path(OUTPUT))
    faulthandler.enable()
    _limit(seconds, memory)
    from . import tasks

    arguments = json.loads(payload)
    try:
        result: dict[str, Any] = {"value": tasks.TASKS[task](**arguments)}
    except BaseException as error:
        result = describe_error(error, arguments.get("kernel", ""))
    temporary = Path(folder, f"{RESULT}.new")
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(Path(folder, RESULT))
    os._exit(0)


def _redirect(path: Path) -> None:
    """Everything printed, by Python or by C, goes to a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _limit(seconds: float, memory: int) -> None:
    processor = int(seconds * _PROCESSOR_SLACK) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def describe_error(error: BaseException, kernel: str) -> dict[str, Any]:
    """Type, message and the innermost line of the file `kernel` in the traceback."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == kernel]
    return {"type": type(error).__name__, "message": str(error).strip(), "line": lines[-1] if lines else None}
