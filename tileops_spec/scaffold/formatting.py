"""ruff, the one formatter of generated code."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_OPTIONS = ("--isolated", "--no-cache", "--config", "line-length=120", "--config", 'target-version="py310"')


class FormatError(Exception):
    """ruff refused a file, which is no Python then; the message is ruff's."""


def format_files(files: Mapping[str, str]) -> dict[str, str]:
    """Python files by name, formatted by one call of ruff: a call takes as long as a dozen files."""
    import ruff

    with tempfile.TemporaryDirectory(prefix="tospec-format-") as folder:
        paths = {name: Path(folder, f"{number}.py") for number, name in enumerate(files)}
        for name, path in paths.items():
            path.write_text(files[name], encoding="utf-8")
        command = [ruff.find_ruff_bin(), "format", "--quiet", *_OPTIONS, *map(str, paths.values())]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode != 0:
            raise FormatError(done.stderr.strip())
        return {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
