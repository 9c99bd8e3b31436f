"""Two versions of a spec compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...ir.spec import Spec
from ...scaffold.contract import contract_hash
from .clauses import clause_changes
from .levels import Change, Level
from .mathematics import math_changes
from .names import match_names
from .rest import constant_changes, other_changes
from .signature import signature_changes


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes, those of the highest class first. `stale`: the contract is another, so a body of the old one must be
    proved again before it is taken over. `verdict` is the conclusion where there is one version only."""

    changes: tuple[Change, ...]
    stale: bool
    verdict: str = ""

    @property
    def level(self) -> Level | None:
        """The highest class; None where nothing changed."""
        return max((change.level for change in self.changes), default=None)

    @property
    def conclusion(self) -> str:
        """The highest class and what follows from it, in one line."""
        if self.level is None:
            return "nothing changed"
        return f"{self.level.word}: {self.verdict or '; '.join(self._consequences(self.level))}"

    def _consequences(self, level: Level) -> Iterator[str]:
        if level is Level.API:
            compatible = all(change.compatible for change in self.changes if change.level is Level.API)
            yield "callers may stay as they are" if compatible else "callers change"
        if level is Level.PERFORMANCE:
            yield "baselines are void"
        if level is Level.NUMERICS:
            yield "the body is stale and must be proved again"
        elif self.stale and level is not Level.COSMETIC:
            yield "the body is stale"
        elif self.stale:
            yield "`tospec build --adopt` takes the body over"
        elif level is Level.COSMETIC:
            yield "nothing to do" if self._only_text() else "`tospec build` renews the text of generated files"

    def _only_text(self) -> bool:
        return all(change.what == "text" for change in self.changes)


def compare_specs(old: Spec, new: Spec, *, texts: tuple[str, str] | None = None) -> Comparison:
    """Classify every difference between two checked versions of a spec. `texts` are their files: where the specs are
    the same and the files are not, that is a cosmetic change as well."""
    versions = match_names(old, new)
    changes = [*signature_changes(versions), *clause_changes(versions), *math_changes(versions)]
    changes += other_changes(versions)
    reached = max((change.level for change in changes), default=Level.COSMETIC)
    changes += constant_changes(versions, reached)
    if not changes and texts is not None and texts[0] != texts[1]:
        changes.append(Change(Level.COSMETIC, "text", None, None, "comments, spacing, or the order of keys"))
    ordered = sorted(changes, key=lambda change: -change.level)
    return Comparison(tuple(ordered), contract_hash(old) != contract_hash(new))


ADDED = Comparison((Change(Level.API, "spec", None, None, "added", compatible=True),), False, "a new operator")
REMOVED = Comparison((Change(Level.API, "spec", None, None, "removed"),), False, "the operator is gone; callers change")
