"""What stands on disk for an op: its files, its body, its entry in the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..scaffold.body import Body
from ..scaffold.errors import ScaffoldError
from ..scaffold.lock import Entry, read_lock
from ..scaffold.regions import RegionError, extract_body
from ..scaffold.render import KERNEL
from .project import Project


@dataclass(frozen=True, slots=True)
class Committed:
    """`body` is None where there is no kernel.py, `entry` where the lock does not know the op."""

    folder: Path
    body: Body | None
    entry: Entry | None

    @property
    def known_files(self) -> Mapping[str, str]:
        return self.entry.files if self.entry else {}


def read_committed(project: Project, op: str, sink: Sink) -> Committed | None:
    """None where the lock or the marks in kernel.py are damaged: TS304 and TS306 are in the sink then."""
    folder = project.op_dir(op)
    try:
        entry = read_lock(project.root).ops.get(op)
        return Committed(folder, _read_body(folder / KERNEL, project, sink), entry)
    except ScaffoldError as error:
        if error.source is not None:
            sink.add_source(error.source)
        sink.extend(error.diagnostics)
    except RegionError as error:
        sink.extend(error.diagnostics)
    return None


def _read_body(path: Path, project: Project, sink: Sink) -> Body | None:
    if not path.is_file():
        return None
    source = sink.add_source(SourceText(project.relative(path), path.read_text(encoding="utf-8")))
    return extract_body(source.text, path=source.path)
