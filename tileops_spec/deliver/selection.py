"""Which specs a command is to look at: all that are named, or those that changed since a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from ..scaffold.errors import ScaffoldError
from ..scaffold.lock import LOCK_FILE, parse_lock
from ..scaffold.render import templates_hash
from ..source.git import Revision
from .project import Project, find_project

MODIFIED = "state:modified"


def select(paths: Iterable[Path], selectors: Iterable[str], revision: str) -> list[Path]:
    """The specs that one of the selectors names: `state:modified`, or an op's name with `*` and `?`; all without one.

    Modified is what differs from `revision` in its spec, in a file of its package or in its entry of the lock, and what
    was written by other templates than those of this tospec: its files depend on them. Raises GitError.
    """
    chosen = list(selectors)
    paths = list(paths)
    if not chosen:
        return paths
    tests: list[Callable[[Path], bool]] = []
    for each in chosen:
        if each == MODIFIED:
            tests.append(lambda path: is_modified(path, Revision(revision)))
        else:
            tests.append(lambda path, pattern=each: fnmatchcase(path.stem, pattern))
    return [path for path in paths if any(test(path) for test in tests)]


def is_modified(path: Path, revision: Revision) -> bool:
    """Whether a spec, its package or its record differ from a revision, or its templates from this tospec's."""
    project = find_project(path)
    folder = project.op_dir(path.stem)
    files = [path, *sorted(folder.glob("*.py"))]
    if any(revision.read(each) != each.read_bytes() for each in files):
        return True
    if folder.is_dir() and {name for name in revision.names(folder) if name.endswith(".py")} != {
        each.name for each in folder.glob("*.py")
    }:
        return True
    now, then = _entries(project, revision)
    entry = now.get(path.stem)
    return entry != then.get(path.stem) or entry is None or entry.templates != templates_hash()


def _entries(project: Project, revision: Revision) -> tuple[dict, dict]:
    lock = project.root / LOCK_FILE
    texts = (lock.read_bytes() if lock.is_file() else None, revision.read(lock))
    now, then = (_ops(text) for text in texts)
    return now, then


def _ops(content: bytes | None) -> dict:
    """The entries of a lock by op; none where it is not there or damaged."""
    try:
        return dict(parse_lock(content.decode()).ops) if content is not None else {}
    except (ScaffoldError, UnicodeDecodeError):
        return {}
