"""Seccomp: which system calls a process may make from now on; the others fail with EPERM.

A short classic BPF program: the architecture first, then a list of refused calls; calls that make processes or send
signals are looked at with their arguments. System calls of another architecture or ABI end the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from . import system

_LOAD, _EQUAL, _ABOVE, _ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF: ld abs, jeq, jge, jset, ret
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_SECCOMP_MODE_FILTER, _PR_SET_SECCOMP = 2, 22
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers on (x86-64, aarch64); None where the call does not exist.
_REACHING_OUT = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
_LOOKING_IN = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
_CHANGING_THE_SYSTEM = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),  # does by its ring what the filter would refuse
    "personality": (135, 92),
}
_LEAVING_THINGS = {
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "mknod": (133, None),
    "mknodat": (259, 33),
}
_STARTING_PROGRAMS = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "setsid": (112, 157),
    "setpgid": (109, 154),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_SIGNALLING = {"kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
_TKILL = (200, 130)
_ALWAYS = {**_REACHING_OUT, **_LOOKING_IN, **_CHANGING_THE_SYSTEM, **_LEAVING_THINGS}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_known() -> bool:
    """Whether the machine's system calls are known here."""
    return system.machine() in _AUDIT


def refuse(*, programs: bool) -> bool:
    """No network, no look into other processes, no change of the system; with `programs`, still compilers.

    Without, this process can neither fork nor execute nor signal any process but itself. False where the kernel, or
    this module, does not know how.
    """
    if not is_known():
        return False
    text = _assemble(programs)
    buffer = ctypes.create_string_buffer(text, len(text))
    program = _Program(len(text) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    try:
        system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
        result = system.libc().prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program), 0, 0)
    except OSError:
        return False
    return result == 0


def _assemble(programs: bool) -> bytes:
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, _AUDIT[system.machine()], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if system.machine() == "x86_64":
        steps += [_step(_ABOVE, _X32, 0, 1), _step(_RETURN, _KILL)]
    for number in _numbers(_ALWAYS):
        steps += _refused(number)
    if not programs:
        steps += _alone()
    return b"".join((*steps, _step(_RETURN, _ALLOW)))


def _alone() -> list[bytes]:
    """Threads may be made and signals sent to this process; nothing more."""
    steps: list[bytes] = []
    for number in _numbers({**_STARTING_PROGRAMS, "tkill": _TKILL}):
        steps += _refused(number)
    # The C library falls back to clone, whose flags a filter can read.
    steps += [_step(_EQUAL, _of(_CLONE3), 0, 1), _step(_RETURN, _ERROR | errno.ENOSYS)]
    steps += _unless(_of(_CLONE), _step(_ANY, _CLONE_THREAD, 1, 0))
    for number in _numbers(_SIGNALLING):
        steps += _unless(number, _step(_EQUAL, os.getpid(), 1, 0))
    return steps


def _refused(number: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERROR | errno.EPERM)]


def _unless(number: int, test: bytes) -> list[bytes]:
    """Refuse a call whose first argument fails the test; the number is loaded again behind it."""
    refused = _step(_RETURN, _ERROR | errno.EPERM)
    return [_step(_EQUAL, number, 0, 4), _step(_LOAD, _FIRST_ARGUMENT), test, refused, _step(_RETURN, _ALLOW)]


def _numbers(calls: dict) -> list[int]:
    return [number for pair in calls.values() if (number := _of(pair)) is not None]


def _of(pair: tuple) -> int:
    return pair[tuple(_AUDIT).index(system.machine())]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value & 0xFFFFFFFF)
