"""Lint of many files: what is known of a file's content is not found again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from .lint_cache import LintCache
from .project import find_project


def lint_files(paths: Iterable[Path], sink: Sink, *, cached: bool = True) -> None:
    """The findings about each file, in order; from the cache of its project where that knows them.

    Files outside of projects have no cache. The passes are imported only where they have to run.
    """
    caches = _Caches() if cached else None
    try:
        for path in paths:
            cache = caches.of(path) if caches else None
            if cache is None:
                _lint(path, sink)
            else:
                _lint_with(cache, path, sink)
    finally:
        if caches:
            caches.write()


class _Caches:
    """One cache a project, opened when the first of its files comes."""

    def __init__(self) -> None:
        self._by_root: dict[Path, LintCache] = {}
        self._by_folder: dict[Path, LintCache | None] = {}

    def of(self, path: Path) -> LintCache | None:
        folder = path.parent
        if folder not in self._by_folder:
            self._by_folder[folder] = self._open(path)
        return self._by_folder[folder]

    def _open(self, path: Path) -> LintCache | None:
        project = find_project(path)
        if not project.marked:
            return None
        if project.root not in self._by_root:
            self._by_root[project.root] = LintCache(project.state)
        return self._by_root[project.root]

    def write(self) -> None:
        for cache in self._by_root.values():
            cache.write()


def _lint_with(cache: LintCache, path: Path, sink: Sink) -> None:
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError:
        _lint(path, sink)
        return
    found = cache.find(name, content)
    if found is None:
        own = Sink(sources=sink.sources)
        _lint(path, own)
        read = sink.sources.get(name)
        if read is not None and read.text == _text(content):  # the file did not change in between
            cache.add(name, content, own.diagnostics)
        sink.extend(own.diagnostics)
    elif found:
        sink.add_source(SourceText(name, _text(content)))
        sink.extend(found)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace")


def _lint(path: Path, sink: Sink) -> None:
    from .lint import lint_spec

    lint_spec(path, sink)
