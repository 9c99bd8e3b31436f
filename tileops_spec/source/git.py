"""Files as they stand in a revision of a git repository."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


class GitError(Exception):
    """Git cannot say: there is no repository, no such revision, or it fails. The message is for people."""


class GitMissing(GitError):
    """There is no git on this machine."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision by the name that git knows it by: `main`, `HEAD~3`, a hash."""

    name: str

    def read(self, path: Path) -> bytes | None:
        """What the file at a path was; None where there was none. Raises GitError."""
        self._check(path.parent)
        place = f"{self.name}:./{path.name}"
        if _git(path.parent, "cat-file", "-e", place).returncode:
            return None
        return self._output(path.parent, "show", place)

    def names(self, folder: Path) -> list[str]:
        """The names of the files in a folder, not in those below it. Raises GitError."""
        self._check(folder)
        return self._output(folder, "ls-tree", "-z", "--name-only", self.name, "./").decode().split("\0")[:-1]

    def _check(self, folder: Path) -> None:
        if not _git(folder, "rev-parse", "--show-toplevel").stdout:
            raise GitError(f"{folder} is not in a git repository")
        wanted = f"{self.name}^{{commit}}"
        if self.name.startswith("-") or _git(folder, "rev-parse", "--verify", "--quiet", wanted).returncode:
            raise GitError(f"git knows no revision `{self.name}`")

    def _output(self, folder: Path, *arguments: str) -> bytes:
        done = _git(folder, *arguments)
        if done.returncode:
            raise GitError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ("git", "-C", str(folder), *arguments)
    try:
        return subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": "C"}, timeout=60)
    except FileNotFoundError as error:
        raise GitMissing("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} gave no answer in 60 seconds") from error
