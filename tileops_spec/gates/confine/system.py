"""Raw system calls of Linux, by ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import lru_cache

PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_PDEATHSIG = 1
IS_LINUX = sys.platform.startswith("linux")


@lru_cache(maxsize=1)
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    """The result of a system call; OSError where it failed."""
    result = libc().syscall(ctypes.c_long(number), *arguments)
    return _checked(int(result))


def prctl(option: int, value: int) -> int:
    """OSError where the kernel refuses."""
    zero = ctypes.c_ulong(0)
    return _checked(int(libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero)))


def unshare(flags: int) -> None:
    """Leave namespaces; OSError where the system does not allow it."""
    _checked(int(libc().unshare(flags)))


def machine() -> str:
    """`x86_64` or `aarch64`; other names for machines whose system calls are not known here."""
    return platform.machine() if IS_LINUX else ""


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
