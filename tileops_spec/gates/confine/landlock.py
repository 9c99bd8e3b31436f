"""Landlock: which files a process may read, write or execute from now on; it and everything that it starts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from . import system

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL = 1 << 14, 1 << 15
_BASIC = (1 << 13) - 1  # everything of the first version
_SINCE = ((2, 1 << 13), (3, TRUNCATE), (5, IOCTL))  # refer, truncate, ioctl on devices
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
_NETWORK_SINCE, _NETWORK = 4, 0b11  # bind and connect of TCP
_SCOPES_SINCE, _SCOPES = 6, 0b11  # abstract sockets and signals to processes outside


class _Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """The ABI of the running kernel; 0 where Landlock is absent or off."""
    if not system.IS_LINUX:
        return 0
    try:
        return system.call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(*, read: Iterable[Path] | None, write: Iterable[Path], execute: bool) -> bool:
    """Confine this process to reading beneath `read` (None: anywhere) and writing beneath `write`.

    What may be written may be read. `execute` allows starting programs. False where the kernel has no Landlock. It
    holds for the calling thread and what that starts.
    """
    abi = version()
    if not abi:
        return False
    handled = _BASIC | sum(bit for since, bit in _SINCE if abi >= since)
    reading = READ_FILE | READ_DIR | (EXECUTE if execute else 0)
    ruleset = _create(handled, abi)
    try:
        for path in [Path("/")] if read is None else read:
            _allow(ruleset, path, reading)
        for path in write:
            _allow(ruleset, path, handled if execute else handled & ~EXECUTE)
        _allow(ruleset, Path("/dev/null"), READ_FILE | WRITE_FILE)
        system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
        system.call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True


def _create(handled: int, abi: int) -> int:
    network = _NETWORK if abi >= _NETWORK_SINCE else 0
    attributes = _Attributes(handled, network, _SCOPES if abi >= _SCOPES_SINCE else 0)
    size = 24 if abi >= _SCOPES_SINCE else 16 if abi >= _NETWORK_SINCE else 8
    return system.call(_CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))


def _allow(ruleset: int, path: Path, access: int) -> None:
    """A path that is not there cannot be used either."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _Beneath(access if path.is_dir() else access & _OF_FILES, descriptor)
            size = ctypes.c_int(_PATH_BENEATH)
            system.call(_ADD_RULE, ctypes.c_int(ruleset), size, ctypes.byref(rule), ctypes.c_uint32(0))
        finally:
            os.close(descriptor)
