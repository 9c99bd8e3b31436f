"""What was proven on this machine: verdicts, keyed by everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import __version__
from ..gates.device.machine import find_machine
from .environment import package_version

_PACKAGES = ("tilelang", "torch", "apache-tvm-ffi")
_TOOLS = ("g++", "nvcc", "compute-sanitizer")
_PACKAGE = Path(__file__).resolve().parent.parent
_JUDGES = ("analysis", "gates", "hardware", "simulate")
_CODE = frozenset({".py", ".h", ".cpp", ".toml"})


def tool_versions() -> dict[str, str]:
    """The versions that a verdict depends on. Tools on the PATH are told apart by place, size and time of change,
    which costs no process."""
    versions = {"tospec": f"{__version__}:{_own_stamp()}"}
    versions |= {name: package_version(name) or "absent" for name in _PACKAGES}
    versions |= {name: _stamp(shutil.which(name)) for name in _TOOLS}
    return versions | {"gpu": _gpu()}


def _gpu() -> str:
    """The GPUs and their driver: evidence from a machine without one is none for a machine with one."""
    machine = find_machine()
    return "absent" if machine is None else f"{machine.label}:{machine.driver}"


@lru_cache(maxsize=1)
def _own_stamp() -> str:
    """What tells one state of tospec's judging code from another: sizes and times of change, which costs a few ms."""
    files = (path for part in _JUDGES for path in sorted((_PACKAGE / part).rglob("*.*")) if path.suffix in _CODE)
    stamps = [(path.name, status.st_size, status.st_mtime_ns) for path in files if (status := path.stat())]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


def _stamp(path: str | None) -> str:
    if path is None:
        return "absent"
    status = Path(path).resolve().stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def evidence_key(**parts: Any) -> str:
    """The hash of what a verdict depends on, the versions of this machine's tools included."""
    content = json.dumps([parts, tool_versions()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EvidenceStore:
    """One JSON file an op under `.tospec/evidence/`; only the newest key of an op is kept."""

    folder: Path

    def find(self, op: str, key: str) -> Mapping[str, Any] | None:
        """What was kept under this key; None where there is nothing, or nothing that can be read."""
        try:
            kept = json.loads((self.folder / f"{op}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return kept["content"] if isinstance(kept, dict) and kept.get("key") == key else None

    def keep(self, op: str, key: str, content: Mapping[str, Any]) -> None:
        """Replace what is kept for the op, atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{op}.json"
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"key": key, "content": content}, indent=1), encoding="utf-8")
        temporary.replace(path)
