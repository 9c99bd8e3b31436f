"""The findings of earlier runs, under `.tospec/cache/lint/`.

A file is looked up by its path and content, in a cache that is named after everything else which findings depend on:
the code of the passes, the grammar, and the versions of Python and of the libraries that passes call.
"""

from __future__ import annotations

import contextlib
import json
import sys
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.kept import from_kept, to_kept
from ..resources import resource
from ..source.kept import keep, read_kept

MOST_FILES = 10_000
MOST_BYTES = 16_000_000
MOST_VERSIONS = 4
PACKAGES = ("diagnostics", "source", "syntax", "ir", "check", "analysis", "hardware")
"""The parts of tospec whose code decides what lint finds; `deliver/lint.py` calls them."""
LIBRARIES = {"z3": "z3_solver", "yaml": "pyyaml", "lark": "lark"}
"""The libraries that findings depend on: modules, and the distributions that hold them."""
UNSETTLED = frozenset({"TS126"})
"""What another run may find differently: a proof that was out of time. Such findings are not kept."""

_ROOT = Path(__file__).resolve().parent.parent


class LintCache:
    """The cache of one project; it is read when it is made, and written once, by `write`."""

    def __init__(self, state: Path) -> None:
        self._path = state / "cache" / "lint" / f"{fingerprint()}.json"
        self._entries = _read(self._path)
        self._used: dict[str, list[str]] = {}
        self._changed = False

    def find(self, path: str, content: bytes) -> list[Diagnostic] | None:
        """The findings about the file, which has this content; None where they are not known."""
        entry = self._entries.get(path)
        if entry is None or entry[0] != _digest(content):
            return None
        try:
            found = [from_kept(kept, path) for kept in json.loads(entry[1])]
        except (ValueError, TypeError, LookupError):
            return None
        self._used[path] = entry
        return found

    def add(self, path: str, content: bytes, findings: list[Diagnostic]) -> None:
        """Remember what was found, unless it points into other files or another run might find something else."""
        if any(found.code in UNSETTLED for found in findings):
            return
        with contextlib.suppress(ValueError):
            kept = json.dumps([to_kept(found, path) for found in findings], separators=(",", ":"))
            self._used[path] = [_digest(content), kept]
            self._changed = True

    def write(self) -> None:
        """Keep what was added. What another run has kept meanwhile stays; the files used last stay longest."""
        if not self._changed:
            return
        entries = {path: entry for path, entry in _read(self._path).items() if path not in self._used}
        keep(self._path, _bounded(entries | self._used))
        _prune(self._path)


def _read(path: Path) -> dict[str, list[str]]:
    content = read_kept(path)
    return content if isinstance(content, dict) else {}


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _bounded(entries: dict[str, list[str]]) -> dict[str, list[str]]:
    """The entries from the end that fit."""
    kept, size = [], 0
    for path, entry in reversed(entries.items()):
        size += len(path) + len(entry[1]) + 100
        if len(kept) == MOST_FILES or size > MOST_BYTES:
            break
        kept.append((path, entry))
    return dict(reversed(kept))


def _prune(newest: Path) -> None:
    """Remove the caches of other versions, but for the newest few."""
    with contextlib.suppress(OSError):
        caches = sorted(newest.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in caches[MOST_VERSIONS:]:
            path.unlink()


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """The hash of what findings depend on beside the files that they are about."""
    digest = sha256(repr((sys.version_info[:3], *map(_version, LIBRARIES))).encode())
    for path in sources():
        content = path.read_bytes()
        digest.update(b"%s %d\n%s" % (path.name.encode(), len(content), content))
    return digest.hexdigest()[:24]


def sources() -> list[Path]:
    """tospec's own files that decide what lint finds."""
    code = [path for package in PACKAGES for path in sorted((_ROOT / package).rglob("*.py"))]
    return [*code, _ROOT / "deliver" / "lint.py", resource("grammar", "spec.lark")]


def _version(module: str) -> str:
    """The folder of a distribution's metadata, whose name holds its version; nothing is imported."""
    found = find_spec(module)
    if found is None or found.origin is None:
        return f"no {module}"
    site = Path(found.origin).parent.parent
    folders = [path.name.lower() for path in site.iterdir() if path.suffix == ".dist-info"]
    return next((name for name in folders if name.startswith(f"{LIBRARIES[module]}-")), found.origin)
