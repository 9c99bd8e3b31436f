"""The only writer to generated/ and tospec.lock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from .journal import Checkpoint, replace_files
from .journal import recover as _recover
from .lock import LOCK_FILE, Entry, read_lock, render_lock
from .tree_lock import WORK_FOLDER, tree_lock

GENERATED = "generated"


def publish(
    root: Path,
    files: Mapping[str, str],
    *,
    entries: Mapping[str, Entry | None] | None = None,
    timeout: float = 10.0,
    checkpoint: Checkpoint = lambda step: None,
) -> list[str]:
    """Write what differs of `files` (paths under generated/, relative to `root`) and of the lock, all or nothing.

    `entries` replace the ops' entries in tospec.lock, which is read anew under the tree's lock, so that builds of
    different ops do not undo each other's; None removes an entry. A kill at any moment leaves either everything as it
    was or a journal that the next `publish` or `recover` finishes. Returns the paths written, sorted.

    Busy (TS305) where another process writes for longer than `timeout` seconds; LockError (TS304) for a damaged lock;
    ValueError for a path outside generated/.
    """
    for path in files:
        _check_path(root, path)
    with tree_lock(root, timeout=timeout):
        _recover(root)
        contents = {path: text.encode() for path, text in files.items()}
        if entries:
            contents[LOCK_FILE] = render_lock(read_lock(root).with_entries(dict(entries))).encode()
        changed = {path: content for path, content in contents.items() if _current(root / path) != content}
        if changed:
            replace_files(root, changed, checkpoint)
    return sorted(changed)


def recover(root: Path, *, timeout: float = 10.0) -> list[str]:
    """Finish or undo a publication that was killed; the files put in place. Cheap where there is none."""
    stage = root / WORK_FOLDER / "stage"
    if not stage.is_dir() or not any(stage.iterdir()):
        return []
    with tree_lock(root, timeout=timeout):
        return _recover(root)


def _current(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _check_path(root: Path, path: str) -> None:
    parts = PurePosixPath(path).parts
    inside = len(parts) > 1 and parts[0] == GENERATED and ".." not in parts
    if not inside or not (root / path).resolve().is_relative_to((root / GENERATED).resolve()):
        raise ValueError(f"{path!r} does not lie under {GENERATED}/")
