"""Characters that YAML 1.1 takes for line breaks, or leaves out, and YAML 1.2 for text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

_ODD = re.compile("[\x85\u2028\u2029\ufeff]")
_PRIVATE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE))


@dataclass(frozen=True, slots=True)
class Shielded:
    """`text` is as long as the original; `restored` gives a part of it back as it was."""

    text: str
    restored: Callable[[str], str]


def shield(text: str) -> Shielded:
    """The text with each such character replaced by one, of private use, that it does not hold."""
    odd = set(_ODD.findall(text))
    if not odd:
        return Shielded(text, str)
    held = set(text)
    free = (chr(code) for code in chain(*_PRIVATE) if chr(code) not in held)
    stand_ins = dict(zip(sorted(odd), free, strict=False))
    back = str.maketrans({stand_in: char for char, stand_in in stand_ins.items()})
    return Shielded(text.translate(str.maketrans(stand_ins)), lambda part: part.translate(back))
