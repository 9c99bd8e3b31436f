"""Results kept on disk between runs: written whole or not at all, and worth nothing where they cannot be read."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any
from zlib import crc32


def user_cache() -> Path | None:
    """tospec's folder in the user's cache; None where the user has no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "tospec"
    except RuntimeError:
        return None


def read_kept(path: Path) -> Any | None:
    """What was kept at a path; None where there is nothing, or a damaged file."""
    try:
        check, _, content = path.read_bytes().partition(b"\n")
        return json.loads(content) if int(check, 16) == crc32(content) else None
    except (OSError, ValueError, RecursionError):
        return None


def keep(path: Path, content: Any) -> None:
    """Replace what is kept at a path. Where the disk refuses, nothing is kept, which costs time and nothing else."""
    data = json.dumps(content, separators=(",", ":")).encode()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(b"%08x\n%s" % (crc32(data), data))
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
