"""One writer at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..diagnostics.diagnostic import Diagnostic
from .errors import ScaffoldError

WORK_FOLDER = ".tospec"
_POLL_SECONDS = 0.02


class Busy(ScaffoldError):
    """Another process is writing to the tree (TS305)."""


@contextmanager
def tree_lock(root: Path, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold the tree's lock; Busy where another process still holds it after `timeout` seconds.

    The kernel frees the lock with its process, however that ends. Not reentrant.
    """
    path = root / WORK_FOLDER / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        _acquire(file, time.monotonic() + timeout)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _acquire(file, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(_busy(file)) from None
            time.sleep(_POLL_SECONDS)


def _busy(file) -> Diagnostic:
    file.seek(0)
    holder = file.read().strip()
    by = f" (process {holder})" if holder else ""
    help_text = "wait for it to end, and run this again"
    return Diagnostic(code="TS305", message=f"another tospec is writing to this tree{by}", help=help_text)
