"""The classes of a change, and one change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """What a change touches, the least first. The highest of a comparison decides what follows."""

    COSMETIC = 0
    PERFORMANCE = 1
    NUMERICS = 2
    API = 3

    @property
    def word(self) -> str:
        return "API" if self is Level.API else self.name.lower()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `what` names the part of the spec; `old` and `new` are its text, None where it was not there.

    `note` says in which respect they differ. `compatible`: a change of the API that no caller notices.
    """

    level: Level
    what: str
    old: str | None
    new: str | None
    note: str = ""
    compatible: bool = False
