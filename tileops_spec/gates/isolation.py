"""Candidates run in children of a fork server: one child a check, limited in time and memory, killed as a group.

The server is a process that has imported torch and TileLang and done nothing with them; a child is a fork of it, ready
in milliseconds. It starts with a cleaned environment, so that no child ever sees a key, and before any expected value
exists, so that no child inherits one. What a child returns comes back as JSON in a file of its own folder; nothing is
unpickled, and nothing about the file is believed: neither that it is one, nor its size, nor its structure.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import Any

from ..simulate.build import build_runtime
from . import child

_PRELOAD = "tileops_spec.gates.preload"
GIBIBYTE = 2**30
_LARGEST_RESULT = 256 * 2**20
_STARTING = threading.Lock()
_PATIENCE = 5.0
"""Seconds that a keeper has to end what its task started."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Wall-clock seconds and bytes of address space that a child may use."""

    seconds: float = 120.0
    memory: int = 16 * GIBIBYTE


@dataclass(frozen=True, slots=True)
class Completed:
    """The task returned; `value` is JSON data."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The task raised. `line` is the innermost line of the kernel file that the traceback names."""

    type: str
    message: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The child died without a result: by a signal, or by an exit status."""

    reason: str
    output: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    seconds: float


Outcome = Completed | Raised | Crashed | TimedOut


@lru_cache(maxsize=1)
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOAD])
    return context


@lru_cache(maxsize=1)
def warm_up() -> None:
    """Start the server, once; it imports what children need while the caller goes on. So is the simulator's runtime
    compiled, where that has not been done yet."""
    threading.Thread(target=_build_runtime).start()
    _context()
    kept = dict(os.environ)
    child.clean_environment()
    try:
        forkserver.ensure_running()
    finally:
        os.environ.update(kept)


def _build_runtime() -> None:
    """Without a compiler, the first kernel says so."""
    from ..simulate.errors import CompilationFailed, CompilerMissing

    with suppress(CompilationFailed, CompilerMissing, OSError):
        build_runtime()


def run_isolated(task: str, payload: Mapping[str, Any], limits: Limits = Limits()) -> Outcome:
    """Run `task` (by the name that `tasks.find_task` knows) on JSON data in a child of its own."""
    warm_up()
    with _folder() as folder:
        arguments = (task, json.dumps(payload), folder, limits.seconds, limits.memory)
        process = _context().Process(target=child.run_task, args=arguments, daemon=True)
        started = time.monotonic()
        with _without_main():
            process.start()
        process.join(limits.seconds)
        late = process.is_alive()
        _kill_group(process)
        if late:
            return TimedOut(time.monotonic() - started)
        return _outcome(Path(folder), process.exitcode)


def run_all(task: str, payloads: Sequence[Mapping[str, Any]], limits: Limits = Limits()) -> Iterable[Outcome]:
    """One child a payload, as many at a time as there are processors; outcomes in the order of the payloads."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        run: Callable[[Mapping[str, Any]], Outcome] = lambda payload: run_isolated(task, payload, limits)  # noqa: E731
        yield from pool.map(run, payloads)


def run_batches(task: str, payloads: Sequence[Mapping[str, Any]], limits: Limits = Limits()) -> list[Outcome]:
    """`run_all` in as few children as there are processors, for tasks with a twin `<task>_each` that takes a list.

    Where such a child gives no answer for each payload, every payload of its share gets a child of its own, so that the
    outcome of one is not put down to another; a share that took too long has taken too long for all.
    """
    processors = os.cpu_count() or 1
    shares = [payloads[start::processors] for start in range(min(processors, len(payloads)))]
    longest = max(map(len, shares), default=0)
    patience = Limits(limits.seconds + longest, limits.memory)
    together = run_all(f"{task}_each", [{"payloads": share} for share in shares], patience)
    outcomes: list[Outcome] = [TimedOut(limits.seconds)] * len(payloads)
    for start, (share, outcome) in enumerate(zip(shares, together, strict=True)):
        outcomes[start::processors] = _shared(outcome, len(share)) or run_all(task, share, limits)
    return outcomes


def _shared(outcome: Outcome, count: int) -> list[Outcome] | None:
    """The outcomes that a child gave for `count` payloads; None where it did not."""
    match outcome:
        case TimedOut():
            return [outcome] * count
        case Completed(list(answers)) if len(answers) == count:
            with suppress(ValueError):
                return [_understood(answer) for answer in answers]
    return None


@contextmanager
def _without_main() -> Iterator[None]:
    """A child does not import the caller's script, as multiprocessing has it do: what it needs is in this package, and
    a script may begin its work where it is imported."""
    with _STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _folder() -> tempfile.TemporaryDirectory:
    """A folder for one child, by its real path: rules about files are about those."""
    place = os.path.realpath(tempfile.gettempdir())
    return tempfile.TemporaryDirectory(prefix="tospec-child-", dir=place, ignore_cleanup_errors=True)


def _kill_group(process) -> None:
    """End the child and everything that it started; the keeper knows those that left the group."""
    if process.is_alive():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGTERM)
        process.join(_PATIENCE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        process.kill()
    process.join()


def _outcome(folder: Path, exitcode: int | None) -> Outcome:
    try:
        result = json.loads(_read(folder / child.RESULT, _LARGEST_RESULT))
        return _understood(result)
    except (OSError, ValueError, RecursionError):
        return Crashed(_death(exitcode), printable(_tail(folder / child.OUTPUT)))


def _understood(result: Any) -> Outcome:
    """ValueError where it is not what `child` writes."""
    match result:
        case {"value": value}:
            return Completed(value)
        case {"type": str(kind), "message": str(message), "line": int() | None as line}:
            return Raised(printable(kind[:200]), printable(message[:20_000]), line)
    raise ValueError("not a result")


def printable(text: str) -> str:
    """Without what would move a terminal's cursor or colour its text."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with suppress(ValueError):
            return signal.Signals(-exitcode).name
    return f"exit status {exitcode}"


def _read(path: Path, most: int, *, end: bool = False) -> bytes:
    """The beginning or the end of a regular file; OSError for links, pipes, devices, and more than `most` bytes
    where the beginning is asked for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or (status.st_size > most and not end):
            raise OSError(f"{path.name} is no file of a child")
        file.seek(max(0, status.st_size - most) if end else 0)
        return file.read(most)


def _tail(path: Path, characters: int = 2000) -> str:
    """The end of what the child printed."""
    try:
        return _read(path, characters, end=True).decode("utf-8", errors="replace")
    except OSError:
        return ""
