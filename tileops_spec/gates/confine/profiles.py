"""Which layers each stage of a check gets. A process can only ever be confined further, never less."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from . import landlock, seccomp
from .limits import GIBIBYTE, limit_growth

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/opt", "/nix/store", "/etc/ld.so.cache", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/proc/self/maps")
_TRACING_MEMORY = 2 * GIBIBYTE
_TRACED_FILE = GIBIBYTE // 4


def confine_tracing(readable: Iterable[Path]) -> None:
    """For running what a candidate says in Python: it reads code and `readable`, and writes in the current folder."""
    limit_growth(_TRACING_MEMORY, _TRACED_FILE)
    landlock.restrict(read=[*_code(), *readable], write=[Path.cwd()], execute=False)
    seccomp.refuse(programs=False)


def confine_tools(writable: Iterable[Path]) -> None:
    """For our own passes and the compilers that they start: they write in the current folder and in `writable`."""
    os.environ["TMPDIR"] = os.getcwd()
    landlock.restrict(read=None, write=[Path.cwd(), *writable], execute=True)
    seccomp.refuse(programs=True)


def confine_running(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """For running compiled code: it reads `readable` and code, and writes in the current folder and in `writable`."""
    landlock.restrict(read=[*_code(), *readable], write=[Path.cwd(), *writable], execute=False)
    seccomp.refuse(programs=False)


def _code() -> list[Path]:
    """Where the interpreter, its packages and the system's libraries lie."""
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *_SYSTEM, *_DEVICES}
    return [Path(root) for root in sorted(roots)] + _loaded()


def _loaded() -> list[Path]:
    """The packages that are loaded from elsewhere, an editable checkout for one; never the folder around them."""
    found: set[Path] = set()
    for name, module in list(sys.modules.items()):
        if "." in name or name == "__main__":
            continue
        with suppress(TypeError, AttributeError):
            found.update(Path(each) for each in getattr(module, "__path__", None) or [])
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            found.add(Path(file))
    return sorted(found)
