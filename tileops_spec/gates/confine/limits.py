"""Resource limits: what a process, and everything that it starts, may use at most."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

GIBIBYTE = 2**30
OPEN_FILES = 512
PROCESSES = 512
"""Of a user namespace of its own, threads included."""
LARGEST_FILE = 8 * GIBIBYTE
_PROCESSOR_SLACK = 4
"""Processor seconds allowed for each second of wall-clock time: compilers run beside the task."""


def limit(seconds: float, memory: int, *, own_users: bool) -> None:
    """CPU time, address space, size of files, open files, no core dumps; processes where `own_users` are counted
    apart from those of everyone else on the machine."""
    processor = int(seconds * _PROCESSOR_SLACK) + 1
    _lower(resource.RLIMIT_CPU, processor)
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    if own_users:
        _lower(resource.RLIMIT_NPROC, PROCESSES)
    first_to_go()


def limit_growth(memory: int, largest_file: int) -> None:
    """At most `memory` bytes of address space more than now, and files of at most `largest_file` bytes."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    _lower(resource.RLIMIT_FSIZE, largest_file)


def first_to_go() -> None:
    """Where the machine runs out of memory, this process is ended before the one that judges it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))
