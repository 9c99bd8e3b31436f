"""What the C++ side counted, as findings. Mirrors `Kind` and `Record` of runtime/memory.h."""

from __future__ import annotations

import ctypes

from .report import Finding
from .translate.sites import Site

MAX_RANK = 8
ORDERS = {"forward": 0, "reverse": 1, "shuffled": 2}


class Record(ctypes.Structure):
    """The first occurrence at a site, and how many there were."""

    _fields_ = (
        ("count", ctypes.c_int64),
        ("index", ctypes.c_int64 * MAX_RANK),
        ("extra", ctypes.c_int64 * 2),
        ("block", ctypes.c_int32 * 3),
        ("rank", ctypes.c_int32),
    )


class Options(ctypes.Structure):
    """How to run: order of blocks and threads, direction of T.Parallel, seed of the shuffle."""

    _fields_ = (("order", ctypes.c_int32), ("reversed", ctypes.c_int32), ("seed", ctypes.c_uint64))


KINDS = (
    ("uninitialized-read", "warning"),
    ("uninitialized-read", "error"),
    ("uninitialized-read", "error"),
    ("out-of-bounds", "error"),
    ("race", "error"),
    ("race", "error"),
    ("race", "error"),
    ("guarded-load", "warning"),
    ("guarded-store", "warning"),
    ("deadlock", "error"),
    ("divergent-barrier", "error"),
    ("device-assert", "error"),
    ("endless-loop", "error"),
    ("unwritten-output", "warning"),
    ("divergent-barrier", "error"),
)
"""Kind and severity, in the order of the runtime's enum."""

MESSAGES = (
    "{action} reads {buffer}{index} of {shape} in block {block}, which nothing wrote; the value reached no output",
    "{action} read an element of {buffer} that nothing wrote, and the value reached {other}{index} in block {block}: "
    "initialise {buffer} (T.clear, T.fill or a copy) or mask its use",
    "{action} read an element of {buffer} that nothing wrote, and the value decided {other} in block {block}",
    "{action} of {buffer}{index} in block {block} is outside of its shape {shape}",
    "{action} stores {buffer}{index} in block {block}, which {writer} stored before: two blocks write one element, so "
    "the result depends on their order; give each block its own elements or use T.atomic_add",
    "{action} reads {buffer}{index} in block {block}, which another block of the same launch wrote: blocks run in no "
    "fixed order",
    "{action} updates {buffer}{index} atomically in block {block}, which another block stored without an atomic",
    "{action} reads {buffer}{index} in block {block}, outside of its shape {shape}: TileLang's guard gives 0 there",
    "{action} stores {buffer}{index} in block {block}, outside of its shape {shape}: TileLang's guard skips it",
    "{wait} in block {block}: it never completes",
    "{action} in block {block}: other threads ended without it, so not all reach it",
    "{action} failed in block {block}",
    "{action} in block {block} ran 16 million rounds and did not end",
    "{count} elements of {buffer} {shape} were never written, the first is {buffer}{index}",
    "{action} in block {block}: other threads wait at line {other_line} instead, so not all reach the same one",
)
UNFINISHED = (
    "{buffer} is read before T.finalize_reducer, and the value reached {other}{index} in block {block}: until then "
    "each thread has a part of its own"
)
WAITS = {
    0: "thread {thread} waits at {action} for the {needed} groups of threads that run it together",
    1: "thread {thread} waits for the mbarrier {barrier} with parity {parity}",
    2: "thread {thread} waits in T.sync_threads() for all threads of the block",
    3: "thread {thread} waits at the named barrier {identity}",
    4: "thread {thread} waits in a warp exchange for the other lanes",
}


def allocate(sites: int) -> ctypes.Array:
    """Zeroed records: one for each site and kind."""
    return (Record * (max(1, sites) * len(KINDS)))()


def findings(records: ctypes.Array, sites: tuple[Site, ...], barriers: tuple[str, ...]) -> tuple[Finding, ...]:
    """All findings, errors first, then by line."""
    found = []
    for number, site in enumerate(sites):
        row = records[number * len(KINDS) : (number + 1) * len(KINDS)]
        found += [_finding(kind, row[kind], site, sites, barriers) for kind in _reported(row)]
    return tuple(sorted(found, key=lambda f: (f.severity != "error", f.line or 0, f.kind)))


def _reported(row: list) -> list[int]:
    """The kinds that occurred. A read whose value reached a result is not also reported as harmless."""
    kinds = [kind for kind in range(len(KINDS)) if row[kind].count]
    return [k for k in kinds if k != 0 or not {1, 2} & set(kinds)]


def _finding(kind: int, record: Record, site: Site, sites: tuple[Site, ...], barriers: tuple[str, ...]) -> Finding:
    name, severity = KINDS[kind]
    index = tuple(record.index[: record.rank])
    block = tuple(record.block)
    buffer = site.buffer
    if KINDS[kind][0] == "deadlock" and record.extra[0] == 1:
        buffer = barriers[record.extra[1] // 2]
    words = {
        "action": _action(site),
        "buffer": buffer,
        "shape": site.shape,
        "index": list(index) if index else "",
        "block": block,
        "count": record.count,
        "other": sites[record.extra[0]].buffer if kind in (1, 2) else "",
        "other_line": sites[record.extra[0]].line if kind == len(KINDS) - 1 else None,
        "writer": "another block" if record.extra[0] < 0 else f"block number {record.extra[0]}",
        "wait": _wait(record, site, barriers) if name == "deadlock" else "",
    }
    return Finding(
        kind=name,
        severity=severity,
        message=(UNFINISHED if site.action == "reducer" else MESSAGES[kind]).format(**words),
        buffer=buffer,
        index=index,
        block=block,
        line=site.line,
        count=record.count,
    )


def _action(site: Site) -> str:
    if site.action in ("load", "store", "barrier", "collective", "while", "assert"):
        return {"load": "a load", "store": "a store"}.get(site.action, site.buffer)
    return f"T.{site.action}"


def _wait(record: Record, site: Site, barriers: tuple[str, ...]) -> str:
    kind, identity = record.extra
    return WAITS[kind].format(
        thread=record.index[0],
        action=site.buffer,
        needed=identity,
        barrier=barriers[identity // 2] if kind == 1 else "",
        parity=identity % 2,
        identity=identity,
    )
