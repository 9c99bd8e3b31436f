"""Some of many mutants, so that every kind keeps its share."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class HasKind(Protocol):
    """A mutant of either sort: `kind` names its class."""

    @property
    def kind(self) -> str: ...


M = TypeVar("M", bound=HasKind)


def sample(mutants: Iterable[M], limit: int, rng: random.Random) -> Iterator[M]:
    """One mutant of each kind in turn, until there are enough."""
    kinds: dict[str, list[M]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    for each in kinds.values():
        rng.shuffle(each)
    waiting = list(kinds.values())
    while waiting and limit > 0:
        for each in waiting[:limit]:
            yield each.pop()
        limit -= len(waiting[:limit])
        waiting = [each for each in waiting if each]
