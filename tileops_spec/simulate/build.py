"""g++: the runtime once per compiler, each kernel once per source; both cached and published atomically."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CompilationFailed, CompilerMissing

RUNTIME = Path(__file__).parent / "runtime"
COMMON = (
    "-std=c++17",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-ffp-contract=off",
    "-fPIC",
    "-fno-exceptions",
    "-fno-rtti",
    "-w",
)
RUNTIME_FLAGS = (*COMMON, "-O3")
KERNEL_FLAGS = (*COMMON, "-O1", "-fno-math-errno", "-shared", "-Wl,-Bsymbolic")
TIMEOUT_SECONDS = 300


def default_cache_dir() -> Path:
    """$TOSPEC_CACHE_DIR, else ~/.cache/tospec/sim."""
    chosen = os.environ.get("TOSPEC_CACHE_DIR")
    return Path(chosen) if chosen else Path.home() / ".cache" / "tospec" / "sim"


def build_library(source: str, cache_dir: Path | None = None) -> Path:
    """The shared library of generated C++. Raises CompilerMissing or CompilationFailed."""
    cache = (cache_dir or default_cache_dir()).expanduser()
    key = _digest(source, *KERNEL_FLAGS, _runtime_text(), _version(_compiler()))
    target = cache / f"kernel-{key}.so"
    if not target.exists():
        runtime = build_runtime(cache)
        _compile(source, "kernel.cpp", target, (*KERNEL_FLAGS, f"-I{RUNTIME}"), (str(runtime),))
    return target


def build_runtime(cache_dir: Path | None = None) -> Path:
    """The object that every kernel is linked with. Raises CompilerMissing or CompilationFailed.

    It takes seconds, once a compiler: of processes that want it at once, one makes it and the others wait.
    """
    cache = (cache_dir or default_cache_dir()).expanduser()
    target = cache / f"runtime-{_digest(_runtime_text(), *RUNTIME_FLAGS, _version(_compiler()))}.o"
    if not target.exists():
        with _alone(cache / "runtime.lock"):
            if not target.exists():
                _compile('#include "runtime.cpp"\n', "all.cpp", target, (*RUNTIME_FLAGS, f"-I{RUNTIME}", "-c"), ())
    return target


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While no other process is in here with this path."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(source: str, name: str, target: Path, flags: tuple[str, ...], objects: tuple[str, ...]) -> None:
    """Compile in a folder beside the target, then rename: readers see all of a file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file, out = Path(folder) / name, Path(folder) / target.name
        file.write_text(source, encoding="utf-8")
        command = [_compiler(), *flags, str(file), *objects, "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        if done.returncode != 0:
            raise CompilationFailed(f"{' '.join(command)}\n{done.stderr[:4000]}")
        os.replace(out, target)


def _compiler() -> str:
    name = os.environ.get("CXX", "g++")
    found = shutil.which(name)
    if found is None:
        raise CompilerMissing(
            f"the simulator compiles kernels with {name}, which is not on PATH; install g++ or set CXX"
        )
    return found


@functools.cache
def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return f"{compiler}\n{done.stdout}"


@functools.cache
def _runtime_text() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(RUNTIME.iterdir()) if path.is_file())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
