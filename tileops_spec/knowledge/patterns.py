"""Patterns: pieces of TileLang knowledge, selected by a kernel's features."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field

from ..resources import resource
from .documents import KnowledgeError, Record, load_yaml, validate


class FeatureLike(Protocol):
    """A hardware feature, as `hardware` derives it."""

    @property
    def name(self) -> str: ...
    @property
    def present(self) -> bool: ...


class Needs(Record):
    """Where a pattern holds: targets (none named: all) and a range of TileLang versions."""

    target: tuple[str, ...] = ()
    tilelang: str = ""


class Pattern(Record):
    """`when` are the features that must all be present, `unless` those of which none may be; `proves` the tokens that
    the snippet's CUDA shows; `example` the arguments that its factory is lowered with; `code` the snippet itself, a
    whole module."""

    id: str
    title: str
    when: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    needs: Needs = Needs()
    proves: tuple[str, ...] = ()
    example: dict[str, int | float | bool | str] = Field(default_factory=dict)
    source: str | tuple[str, ...] = ()
    advice: str
    code: str = ""

    def serves(self, target: str) -> bool:
        return not self.needs.target or target in self.needs.target

    def fits(self, features: Collection[str]) -> bool:
        """Whether it is for kernels with exactly these features present."""
        return set(features).issuperset(self.when) and not set(features).intersection(self.unless)


def load_pattern(folder: Path) -> Pattern:
    """The pattern in `folder`: pattern.yaml, and snippet.py where there is one."""
    path = folder / "pattern.yaml"
    data = load_yaml(path)
    snippet = folder / "snippet.py"
    code = snippet.read_text(encoding="utf-8") if snippet.is_file() else ""
    pattern = validate({**data, "code": code} if isinstance(data, dict) else data, Pattern, path)
    if pattern.id != folder.name:
        raise KnowledgeError(f"{path}: id: {pattern.id!r} is not the folder's name {folder.name!r}")
    return pattern


def load_patterns(root: Path | None = None) -> tuple[Pattern, ...]:
    """Every pattern under `root` (default: the ones that ship), by id."""
    root = root or resource("patterns")
    return tuple(load_pattern(path.parent) for path in sorted(root.glob("*/pattern.yaml")))


def select_patterns(
    features: Iterable[FeatureLike], *, target: str, patterns: Sequence[Pattern] | None = None
) -> tuple[Pattern, ...]:
    """The patterns that serve `target` and fit the features that are present, those that ask for most first."""
    present = {feature.name for feature in features if feature.present}
    known = load_patterns() if patterns is None else patterns
    chosen = [each for each in known if each.serves(target) and each.fits(present)]
    return tuple(sorted(chosen, key=lambda each: (-len(each.when), each.id)))
