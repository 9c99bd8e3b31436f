"""Committed files against what the templates say."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from ..ir.spec import Spec
from .body import Body
from .regions import outside_body
from .render import KERNEL, render_op


@dataclass(frozen=True, slots=True)
class Drift:
    """One file that differs from what would be written. `diff` is unified, from the file to the text to be written.

    `edited`: somebody changed the file outside its body, so it must not be overwritten; otherwise the file is missing
    or as an earlier spec or template made it, and writing it is what a build is for.
    """

    file: str
    diff: str
    edited: bool


def find_drift(spec: Spec, body: Body, op_dir: Path, *, known: Mapping[str, str] | None = None) -> list[Drift]:
    """The files of an op that differ from the rendered ones, the body's own regions aside.

    `known` are the hashes of the files as they were generated last (the lock's `files`): they tell an edit from a
    change of spec or templates. RegionError (TS306) where the marks in the committed kernel.py are damaged.
    """
    return compare_files(render_op(spec, body), op_dir, known=known)


def compare_files(rendered: Mapping[str, str], op_dir: Path, *, known: Mapping[str, str] | None = None) -> list[Drift]:
    """`find_drift` for files that have been rendered already."""
    return [drift for name, text in rendered.items() if (drift := _compare(name, text, op_dir / name, known or {}))]


def _compare(name: str, text: str, path: Path, known: Mapping[str, str]) -> Drift | None:
    if not path.is_file():
        return Drift(name, unified_diff("", text, str(path)), edited=False)
    committed = path.read_text(encoding="utf-8")
    outside = _outside(name, committed, str(path))
    if outside == _outside(name, text, name):
        return None
    return Drift(name, unified_diff(committed, text, str(path)), edited=_hash(outside) != known.get(name))


def outside_hash(name: str, text: str) -> str:
    """The hash of a generated file without its body: what the lock keeps."""
    return _hash(_outside(name, text, name))


def outside_hashes(files: Mapping[str, str]) -> dict[str, str]:
    """The lock's `files` for what `render_op` gave."""
    return {name: outside_hash(name, text) for name, text in files.items()}


def unified_diff(before: str, after: str, path: str) -> str:
    """A unified diff, "" where nothing differs."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), path, f"{path} (generated)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def drift_diagnostic(drift: Drift, path: str, committed: str) -> Diagnostic:
    """TS301 for an edited file, at the first line that differs."""
    source = SourceText(path, committed)
    line = _first_difference(drift.diff)
    start = source.line_starts[min(line, len(source.line_starts)) - 1]
    return Diagnostic(
        code="TS301",
        message=f"{path} was edited outside its body region",
        span=Span(path, start, start + len(source.line(line))),
        help="`tospec diff` shows the edit; move it into the spec or the body, or `tospec build --force` to drop it",
        detail=drift.diff,
    )


def _first_difference(diff: str) -> int:
    """The line, in the file as committed, of the first difference."""
    line = 1
    for text in diff.splitlines()[2:]:
        if text.startswith("@@"):
            line = max(1, int(text.split()[1].split(",")[0][1:]))
        elif text.startswith(" "):
            line += 1
        else:
            return line
    return line


def _outside(name: str, text: str, path: str) -> str:
    return outside_body(text, path=path) if name == KERNEL else text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
