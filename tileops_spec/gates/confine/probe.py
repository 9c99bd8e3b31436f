"""What holds on this machine: each layer tried out in a process of its own."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from . import landlock, namespaces, seccomp

_HOLDS, _FAILS = 0, 1


@dataclass(frozen=True, slots=True)
class Layer:
    """`holds` was seen, not inferred; `without` is what takes its place where it does not."""

    name: str
    holds: bool
    purpose: str
    without: str


@lru_cache(maxsize=1)
def layers() -> tuple[Layer, ...]:
    """Every layer, tried out."""
    with tempfile.TemporaryDirectory() as folder:
        return _try_all(Path(folder).resolve())


def _try_all(folder: Path) -> tuple[Layer, ...]:
    return (
        Layer("limits", _tried(_limits_hold), "CPU time, memory, files", "wall-clock time alone"),
        Layer(
            "namespaces",
            _tried(_namespaces_hold),
            "own process tree, no network",
            "children are found by their parents; the network is closed by seccomp",
        ),
        Layer(
            "landlock",
            _tried(lambda: _landlock_holds(folder)),
            "writes in its own folder alone, reads of code alone",
            "the static gate, and file permissions",
        ),
        Layer(
            "seccomp",
            _tried(_seccomp_holds),
            "no programs, sockets, signals, ptrace",
            "namespaces, and the static gate",
        ),
    )


def holds(name: str) -> bool:
    """Whether the layer of that name holds here."""
    return next(layer.holds for layer in layers() if layer.name == name)


def _tried(test: Callable[[], bool]) -> bool:
    """What a test says, in a child: what it takes away is gone for good."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os._exit(_HOLDS if test() else _FAILS)
        os._exit(_FAILS)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == _HOLDS


def _limits_hold() -> bool:
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    return _refused(lambda: os.open("/dev/null", os.O_RDONLY))


def _namespaces_hold() -> bool:
    if not namespaces.separate():
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if os.getpid() == 1 else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _landlock_holds(folder: Path) -> bool:
    inside, outside = folder / "inside", folder / "outside"
    inside.mkdir()
    outside.write_text("", encoding="ascii")
    if not landlock.restrict(read=[inside], write=[inside], execute=False):
        return False
    Path(inside, "file").write_text("", encoding="ascii")
    return _refused(lambda: outside.write_text("x", encoding="ascii")) and _refused(outside.read_bytes)


def _seccomp_holds() -> bool:
    return seccomp.refuse(programs=False) and _refused(lambda: socket.socket()) and _refused(os.fork)


def _refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return True
    return False
