"""Replacing several files as one: staged, journalled, moved; or, after a kill, finished or undone.

A transaction is a folder `.tospec/stage/<id>/` with the new texts under numbers. Its `journal.json` comes into being by
a rename, once every text is on disk: before that moment the transaction never happened, after it it always will have.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from .tree_lock import WORK_FOLDER

_STAGE, _LOST, _JOURNAL = "stage", "lost", "journal.json"

Checkpoint = Callable[[str], None]


def replace_files(root: Path, files: Mapping[str, bytes], checkpoint: Checkpoint) -> None:
    """Replace `files` (by path relative to `root`) all or not at all; the caller holds the tree's lock.

    `checkpoint` is called with the name of each step just before it: tests end the process there.
    """
    stage = root / WORK_FOLDER / _STAGE / secrets.token_hex(8)
    checkpoint("stage")
    stage.mkdir(parents=True)
    moves = []
    for number, (target, content) in enumerate(sorted(files.items())):
        checkpoint(f"write {target}")
        _write(stage / str(number), content)
        moves.append({"staged": str(number), "target": target, "before": _digest(root / target)})
    checkpoint("journal text")
    _write(stage / "journal.part", json.dumps({"version": 1, "moves": moves}, indent=1).encode())
    _sync(stage)
    checkpoint("journal")
    os.replace(stage / "journal.part", stage / _JOURNAL)
    _sync(stage)
    _sync(stage.parent)
    _complete(root, stage, checkpoint)


def recover(root: Path, checkpoint: Checkpoint = lambda step: None) -> list[str]:
    """Finish or undo what a killed publication left; the caller holds the tree's lock.

    Returns the files that were put in place. A target that was edited after the kill is kept under `.tospec/lost/`.
    """
    finished: list[str] = []
    for stage in sorted((root / WORK_FOLDER / _STAGE).glob("*/")):
        if (stage / _JOURNAL).exists():
            finished += _complete(root, stage, checkpoint)
        else:
            shutil.rmtree(stage)
    return finished


def _complete(root: Path, stage: Path, checkpoint: Checkpoint) -> list[str]:
    moves = json.loads((stage / _JOURNAL).read_bytes())["moves"]
    moved = [move["target"] for move in moves if _move(root, stage, move, checkpoint)]
    for folder in {(root / target).parent for target in moved}:
        _sync(folder)
    checkpoint("forget journal")
    (stage / _JOURNAL).unlink()
    _sync(stage)
    checkpoint("forget stage")
    shutil.rmtree(stage)
    return moved


def _move(root: Path, stage: Path, move: Mapping[str, str | None], checkpoint: Checkpoint) -> bool:
    """Whether there was still something to move."""
    staged, target = stage / str(move["staged"]), root / str(move["target"])
    if not staged.exists():
        return False
    if _digest(target) not in (move["before"], None):
        lost = root / WORK_FOLDER / _LOST / stage.name / str(move["target"])
        lost.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(target, lost)
    checkpoint(f"move {move['target']}")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, target)
    return True


def _digest(path: Path) -> str | None:
    """sha256 of a file's bytes; None where there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
