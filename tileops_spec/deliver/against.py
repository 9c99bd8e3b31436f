"""Specs on disk against an earlier version: a revision of git, a file, or a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..check.load import load_source
from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..source.files import decode_source, read_source
from ..source.git import Revision
from .changes import Comparison, compare_specs
from .changes.compare import ADDED, REMOVED

_GIT = "git:"


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where earlier versions are. `name` is how it was asked for: `git:main`, or a path."""

    name: str

    @property
    def revision(self) -> Revision | None:
        return Revision(self.name.removeprefix(_GIT)) if self.name.startswith(_GIT) else None

    @property
    def is_file(self) -> bool:
        return self.revision is None and Path(self.name).is_file()

    def read(self, path: Path, sink: Sink) -> SourceText | None:
        """The earlier text of the spec at a path; None where there was none, or no text (TS001). Raises GitError."""
        if self.revision is None:
            place = Path(self.name) / path.name if Path(self.name).is_dir() else Path(self.name)
            return read_source(place, sink) if place.is_file() else None
        content = self.revision.read(path)
        return None if content is None else decode_source(f"{self.revision.name}:{path}", content, sink)

    def names(self, folder: Path) -> list[str]:
        """The files that were in a folder."""
        if self.revision is not None:
            return self.revision.names(folder)
        return [path.name for path in Path(self.name).iterdir()] if Path(self.name).is_dir() else []


def removed_specs(folders: Iterable[Path], earlier: Earlier) -> Iterator[Path]:
    """Where specs were and are no more. Raises GitError."""
    for folder in folders:
        names = sorted(name for name in earlier.names(folder) if name.endswith(".yaml"))
        yield from (folder / name for name in names if not (folder / name).exists())


def compare_with(path: Path, earlier: Earlier, sink: Sink) -> Comparison | None:
    """What changed since; None, with findings in the sink, where a version does not load. Raises GitError."""
    before = len(sink.errors)
    source = earlier.read(path, sink)
    if len(sink.errors) > before:
        return None
    if not path.exists() and source is not None:
        return REMOVED
    text = read_source(path, sink)
    if text is None:
        return None
    new = _load(text, sink)
    if source is None:
        return ADDED if new is not None else None
    old = _load(source, sink)
    return compare_specs(old, new, texts=(source.text, text.text)) if old is not None and new is not None else None


def _load(source: SourceText, sink: Sink):
    """The spec of a text; errors alone reach the sink, as a comparison is no lint."""
    own = Sink(sources=sink.sources)
    own.add_source(source)
    spec = load_source(source, own, named=False)
    sink.extend(own.errors)
    return spec
