"""The child's side of isolation: a keeper, which outlives the task and ends what it left behind; and the task itself.

    fork server ── keeper ── init ── task

The keeper is what the parent knows. Where the system allows namespaces, `init` is the first process of its own tree:
when it ends, the kernel ends the rest of the tree. Where it does not, orphans come to the keeper, which kills them.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .confine import namespaces, system
from .confine.limits import limit

RESULT = "result.json"
OUTPUT = "output.txt"
_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|TERM|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|PYTHON\w*"
    r"|CXX|CUDA_HOME|CUDA_PATH|TOSPEC_CACHE_DIR|XDG_CACHE_HOME|COV_\w+|COVERAGE_\w+"
    r"|(TILELANG|TVM|TL|OMP|MKL|OPENBLAS)_\w+"
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|AUTH", re.I)


def clean_environment() -> None:
    """Leave only what interpreters, compilers and caches need: no key has a name on the list."""
    for name in list(os.environ):
        if not is_kept(name):
            del os.environ[name]


def is_kept(name: str) -> bool:
    """Whether a child may see the variable of that name."""
    return bool(_KEPT.fullmatch(name)) and not _SECRET.search(name)


def run_task(task: str, payload: str, folder: str, seconds: float, memory: int) -> None:
    """Entered in a fresh fork, as the keeper. Ends as the task ended: by its status, or by its signal."""
    os.setsid()
    clean_environment()  # a server that had to be started again may have been given all of it
    os.chdir(folder)
    _redirect(Path(OUTPUT))
    own_users = namespaces.separate()
    if own_users:
        status = _status_of(lambda: _as_init(lambda: _as_task(task, payload, seconds, memory, True)))
    else:
        status = _as_keeper(lambda: _as_task(task, payload, seconds, memory, False))
    _end_like(status)


def _as_keeper(work: Callable[[], None]) -> int:
    """The status of `work` in a child, whose own children are ended with it, also when SIGTERM says that it is late."""
    with suppress(OSError):
        system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    child = _fork(work)
    signal.signal(signal.SIGTERM, lambda *_: (_end_descendants(), os._exit(0)))
    status = _wait(child)
    _end_descendants()
    return status


def _as_init(work: Callable[[], None]) -> int:
    """The first process of a tree: the status of `work`, in a process that is not exempt from signals."""
    _die_with_parent()
    return _wait(_fork(work))


def _as_task(task: str, payload: str, seconds: float, memory: int, own_users: bool) -> None:
    """Limits first; then the task; then its result as JSON in the current folder."""
    _die_with_parent()
    os.closerange(3, 4096)  # pipes of the fork server and of its tracker of resources
    faulthandler.enable()
    limit(seconds, memory, own_users=own_users)
    from . import tasks

    arguments = json.loads(payload)
    try:
        result: dict[str, Any] = {"value": tasks.find_task(task)(**arguments)}
    except BaseException as error:
        result = describe_error(error, arguments.get("kernel", ""))
    temporary = Path(f"{RESULT}.new")
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(RESULT)


def _fork(work: Callable[[], object]) -> int:
    """The id of a process that does `work` and nothing else."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _status_of(work: Callable[[], int]) -> int:
    """The number that `work` returns in a process of its own; its death by SIGKILL where it returns none."""
    reading, writing = os.pipe()
    child = _fork(lambda: os.write(writing, str(work()).encode()))
    os.close(writing)
    _wait(child)
    with open(reading, "rb") as pipe:
        return int(pipe.read() or signal.SIGKILL)


def _wait(child: int) -> int:
    """The wait status of a child; others that end meanwhile are orphans."""
    while True:
        ended, status = os.wait()
        if ended == child:
            return status


def _end_like(status: int) -> None:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number:
        faulthandler.disable()
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def _die_with_parent() -> None:
    with suppress(OSError):
        system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_descendants() -> None:
    """Kill what the task started, whatever group or session it went to: parents die, children come here, and die."""
    while True:
        for child in _children():
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Read from the process table: not every kernel lists them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            text = Path(folder, "stat").read_text(encoding="ascii", errors="replace")
            if int(text.rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(folder.name))
    return found


def _redirect(path: Path) -> None:
    """Everything printed, by Python or by C, goes to a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def describe_error(error: BaseException, kernel: str) -> dict[str, Any]:
    """Type, message and the innermost line of the file `kernel` in the traceback."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == kernel]
    return {"type": type(error).__name__, "message": str(error).strip(), "line": lines[-1] if lines else None}
