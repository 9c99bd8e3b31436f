"""Cases that once failed: kept in `cases/<op>.txt`, one a line, and run before the others from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..ir.spec import Spec
from ..source.write import replace_file
from .project import Project

if TYPE_CHECKING:
    from ..analysis.cases import Case

_HEADER = """\
# Cases of {op} that failed once, each as small as it could be made. `tospec build` and `tospec verify` run them first.
# Commit this file. Lines can be added by hand and taken out.
"""


def saved_path(project: Project, op: str) -> Path:
    """Where the cases of an op are kept."""
    return project.root / "cases" / f"{op}.txt"


def read_saved(project: Project, spec: Spec, sink: Sink | None = None) -> tuple[Case, ...]:
    """The saved cases in the order of the file; TS441, a warning, for each line that is no case of the spec now."""
    from ..analysis.case_text import CaseError, parse_case

    path = saved_path(project, spec.op)
    if not path.is_file():
        return ()
    source = SourceText(project.relative(path), path.read_text(encoding="utf-8", errors="replace"))
    found = []
    for start, text in _lines(source.text):
        try:
            found.append(parse_case(text, spec))
        except CaseError as error:
            if sink is not None:
                sink.add_source(source)
                help_text = "take the line out, or write the case as the spec has it now"
                span = source.span(start, start + len(text))
                sink.warning("TS441", f"a saved case is none of {spec.op}: {error}", span, help=help_text)
    return tuple(dict.fromkeys(found))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The offset and text of each case, comments taken off."""
    start = 0
    for line in text.splitlines(keepends=True):
        case = line.split("#")[0]
        if case.strip():
            yield start + len(case) - len(case.lstrip()), case.strip()
        start += len(line)


def save_case(project: Project, op: str, text: str, code: str) -> bool:
    """Add a case, with the code of what it showed, unless it is there; whether it was added. Raises OSError."""
    path = saved_path(project, op)
    kept = path.read_text(encoding="utf-8") if path.is_file() else _HEADER.format(op=op)
    if any(case == text for _, case in _lines(kept)):
        return False
    path.parent.mkdir(exist_ok=True)
    path.touch()
    replace_file(path, f"{kept}{'' if kept.endswith(chr(10)) else chr(10)}{text}  # {code}\n".encode())
    return True
