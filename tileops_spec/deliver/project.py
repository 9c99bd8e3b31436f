"""Where a project keeps things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MARKS = ("tospec.lock", "pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `specs/`, `generated/` and `tospec.lock`; `.tospec/` holds what is local to this machine."""

    root: Path

    @property
    def marked(self) -> bool:
        """Whether the folder says that it is a project; a spec somewhere else has one that was guessed."""
        return any((self.root / mark).exists() for mark in _MARKS)

    @property
    def generated(self) -> Path:
        return self.root / "generated"

    @property
    def lock_path(self) -> Path:
        return self.root / "tospec.lock"

    @property
    def state(self) -> Path:
        return self.root / ".tospec"

    def op_dir(self, op: str) -> Path:
        return self.generated / op

    def relative(self, path: Path) -> str:
        """The path as people see it: from the root where it lies under it."""
        resolved = path.resolve()
        return str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else str(path)


def find_project(spec_path: Path) -> Project:
    """The project of a spec: the nearest folder above it that has a lock, a pyproject.toml or a git checkout.

    Where there is none, the folder above `specs/`, or else the spec's own.
    """
    folder = spec_path.resolve().parent
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in _MARKS):
            return Project(candidate)
    return Project(folder.parent if folder.name == "specs" else folder)
