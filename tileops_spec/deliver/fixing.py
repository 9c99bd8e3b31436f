"""Putting findings right: fixes are applied, the result is checked, and what does not hold is left out."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..check import load_spec
from ..diagnostics.diagnostic import Diagnostic, Sink
from ..diagnostics.fix import apply_edits, choose_fixes
from ..source.write import replace_file
from .lint import lint_spec

MAX_ROUNDS = 10
_BOM = b"\xef\xbb\xbf"


def fix_file(path: Path, *, unsafe: bool = False) -> list[str]:
    """Apply the safe fixes of a spec's findings (all fixes with `unsafe`) until none is left; `TSnnn title` of each.

    The rounds, 10 at most, run on a copy; the file is replaced once, at the end, and not at all where nothing changes
    or where it cannot be read. A fix whose result has findings that were not there before is not kept.
    """
    if not path.is_file():
        return []
    with tempfile.TemporaryDirectory(prefix="tospec-fix-") as folder:
        fixing = _Fixing(Path(folder) / path.name, unsafe)
        shutil.copyfile(path, fixing.copy)
        for _ in range(MAX_ROUNDS):
            if not fixing.round():
                break
        if fixing.applied:
            replace_file(path, fixing.copy.read_bytes())
    return fixing.applied


@dataclass
class _Fixing:
    """The state of the rounds over one copy. `refused` are the fixes that made things worse."""

    copy: Path
    unsafe: bool
    applied: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def round(self) -> bool:
        """Apply what can be applied together; where that is no better, find out why. False where nothing is left."""
        before = _State.of(self.copy)
        wanted = {each.fix: each for each in before.sink.sorted() if self._is_wanted(each)}
        chosen = [wanted[fix] for fix in choose_fixes(list(wanted))]
        if chosen and not self._keep(chosen, before):
            bad = {_name(each) for each in chosen if not self._try([each], before)}
            self.refused |= bad
            if not bad:
                self._keep(chosen[:1], before)
        return bool(chosen)

    def _is_wanted(self, found: Diagnostic) -> bool:
        return found.fix is not None and (self.unsafe or found.fix.safe) and _name(found) not in self.refused

    def _keep(self, findings: list[Diagnostic], before: _State) -> bool:
        """Make the fixes; leave the copy as it is where that is no better."""
        content = self._try(findings, before)
        if content is None:
            return False
        self.copy.write_bytes(content)
        self.applied += map(_name, findings)
        return True

    def _try(self, findings: list[Diagnostic], before: _State) -> bytes | None:
        """The copy's content with the fixes made, where that is better; the copy itself stays as it is."""
        original = self.copy.read_bytes()
        mark = _BOM if original.startswith(_BOM) else b""
        edits = [edit for each in findings if each.fix for edit in each.fix.edits]
        content = mark + apply_edits(before.sink.sources[str(self.copy)].text, edits).encode("utf-8")
        self.copy.write_bytes(content)
        better = _State.of(self.copy).is_better(before, findings)
        self.copy.write_bytes(original)
        return content if better else None


@dataclass(frozen=True)
class _State:
    """What lint says of a file, and whether it loads."""

    sink: Sink
    loads: bool

    @classmethod
    def of(cls, path: Path) -> _State:
        sink = Sink()
        lint_spec(path, sink)
        return cls(sink, load_spec(path, Sink()) is not None)

    def is_better(self, before: _State, fixed: list[Diagnostic]) -> bool:
        """Whether the findings are gone. A spec that loads must load, with no more errors and fewer findings of each
        fixed kind; one that does not may turn out to have others, which could not be seen before."""
        if not before.loads:
            places = {(*_kind(each), each.span) for each in self.sink.diagnostics}
            return not any((*_kind(each), each.span) in places for each in fixed)
        was, now = (Counter(map(_kind, state.sink.diagnostics)) for state in (before, self))
        fewer = all(now[_kind(each)] < was[_kind(each)] for each in fixed)
        return fewer and self.loads and len(self.sink.errors) <= len(before.sink.errors)


def _kind(found: Diagnostic) -> tuple[str, str]:
    return found.code, found.message


def _name(found: Diagnostic) -> str:
    assert found.fix is not None
    return f"{found.code} {found.fix.title}"
