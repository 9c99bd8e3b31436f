"""Whether there is a GPU, and what is installed beside it; nothing heavy is imported to know it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache

_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Machine:
    """The GPUs by name, and the version of their driver."""

    names: tuple[str, ...]
    driver: str

    @property
    def label(self) -> str:
        """`NVIDIA H200`, `2 × NVIDIA H200`."""
        first = self.names[0]
        return first if len(self.names) == 1 else f"{len(self.names)} × {first}"


@lru_cache(maxsize=1)
def find_machine() -> Machine | None:
    """What nvidia-smi shows; None where there is no driver or no GPU."""
    path = shutil.which("nvidia-smi")
    if path is None:
        return None
    query = (path, "--query-gpu=name,driver_version", "--format=csv,noheader")
    try:
        shown = subprocess.run(query, capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_machine(shown.stdout) if shown.returncode == 0 else None


def parse_machine(shown: str) -> Machine | None:
    """From lines `name, driver`; None where there is no such line."""
    rows = [line.rpartition(",") for line in shown.splitlines() if "," in line]
    if not rows:
        return None
    return Machine(tuple(name.strip() for name, _, _ in rows), rows[0][2].strip())
