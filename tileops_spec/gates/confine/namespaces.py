"""Namespaces: a process tree, a network and System V objects of one's own, with no privilege on the machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from . import system

NEW_USERS = 0x10000000
NEW_PROCESSES = 0x20000000
NEW_NETWORK = 0x40000000
NEW_OBJECTS = 0x08000000  # System V shared memory, semaphores and queues; POSIX queues


def separate() -> bool:
    """Put this process's children into namespaces of their own, and this process off the network.

    The network namespace has no interface that is up, so nothing can be reached. False where the system does not allow
    it, or not all of it: then nothing has changed. The process must have one thread.
    """
    if not system.IS_LINUX:
        return False
    user, group = os.getuid(), os.getgid()
    try:
        system.unshare(NEW_USERS | NEW_PROCESSES | NEW_NETWORK | NEW_OBJECTS)
    except OSError:
        return False
    _map_users(user, group)
    return True


def _map_users(user: int, group: int) -> None:
    """Keep one's own identity, so that files that are made belong to somebody."""
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    with suppress(OSError):
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    with suppress(OSError):
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
