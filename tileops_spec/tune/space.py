"""The candidates of a body: the product of the values that a tuner would try for each tunable.

A body says in TUNABLES what its author tried. The space is wider: for names that say what they stand for (a tile's
extent, stages, threads, …), what the class of the op and the target's hardware make sensible; for other names the
author's values and their neighbours. The author's values always stay.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from ..hardware import Target
from ..hardware.device import Device
from ..scaffold.body import Tunable

Configuration: TypeAlias = dict[str, Tunable]
Tunables: TypeAlias = Sequence[tuple[str, tuple[Tunable, ...]]]

LARGEST = 400
"""Configurations above which the values farthest from the author's default are left out."""
_ATOM = 64
"""Elements of 16 bits in a swizzled row of 128 bytes, and rows of a warpgroup's product: what tiles are made of."""
_POWERS = tuple(2**power for power in range(11))
_GROUPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True, slots=True)
class Setting:
    """What values depend on: `kind` is the class of the op by the names of `analysis.classify`."""

    kind: str
    target: Target
    device: Device

    @property
    def multiplies(self) -> bool:
        return self.kind in ("contraction", "attention")


Rule = Callable[[tuple[int, ...], Setting], Sequence[int]]


def default_of(tunables: Tunables) -> Configuration:
    """The first candidate of each."""
    return {name: values[0] for name, values in tunables}


def candidates(tunables: Tunables, setting: Setting) -> tuple[Configuration, ...]:
    """Every configuration, the default first; at most LARGEST unless the author's own values are more."""
    values = _thinned([list(values_of(name, own, setting)) for name, own in tunables], [own for _, own in tunables])
    names = [name for name, _ in tunables]
    return tuple(dict(zip(names, chosen, strict=True)) for chosen in product(*values))


def values_of(name: str, own: tuple[Tunable, ...], setting: Setting) -> tuple[Tunable, ...]:
    """The values of one tunable: the author's first, in their order, then the others from small to large."""
    if all(isinstance(value, bool) for value in own):
        return (*own, *(value for value in (True, False) if value not in own))
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in own):
        return own
    numbers = tuple(int(value) for value in own)
    rule = next((rule for pattern, rule in _RULES if pattern.search(name)), _neighbours)
    return (*numbers, *sorted(set(rule(numbers, setting)) - set(numbers)))


def _tile(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    """Multiples of what the author's values have in common, but not finer than an atom of 64 nor than a vector."""
    given = [value for value in own if value > 0]
    common = math.gcd(*given) if given else _ATOM
    if not setting.multiplies:
        return [value for value in _POWERS if min(given, default=_ATOM) // 4 <= value <= max(given, default=_ATOM) * 4]
    step = min(common, _ATOM)
    return range(max(step, 16), 257, max(step, 16)) if step >= 32 else [16, 32, 64, 128, 192, 256]


def _depth(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    """The summed axis of a tile: one to four instructions or atoms."""
    return (32, 64, 128) if min(own) >= 32 else (16, 32, 64, 128)


def _stages(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    """More than six stages hide no more latency. Zero is no pipeline: only where copies are synchronous anyway."""
    return range(1, 7) if "tma" in setting.target.units else range(6)


def _threads(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    most = setting.target.threads_per_block
    least = 128 if setting.multiplies and "mma" in setting.target.units else 32
    return [value for value in _POWERS if least <= value <= (min(most, 512) if setting.multiplies else most)]


def _processors(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    """Blocks of a persistent kernel: half an SM each, one, two."""
    count = setting.device.limit("processors")
    return (count // 2, count, count * 2)


def _groups(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    return _GROUPS


def _elements(own: tuple[int, ...], setting: Setting) -> Sequence[int]:
    return _POWERS[:10]


def _neighbours(own: tuple[int, ...], setting: Setting) -> Iterator[int]:
    """Half and twice of each of the author's values; a zero stands for itself."""
    for value in own:
        yield from (value * 2, value // 2) if value > 1 else (value * 2,)


_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern, re.I), rule)
    for pattern, rule in (
        (r"^(block|tile)_?(K|k_size|depth)$", _depth),
        (r"^(num_?)?(sms?|processors|ctas|blocks)$", _processors),
        (r"(group|swizzle|panel|raster)", _groups),
        (r"stages?$", _stages),
        (r"threads?$", _threads),
        (r"(elements|items|per_thread|vec|unroll)", _elements),
        (r"^(block|tile)|_tile$", _tile),
    )
)
"""The first pattern that a tunable's name matches gives its values."""


def _thinned(values: list[list[Tunable]], own: Sequence[tuple[Tunable, ...]]) -> list[list[Tunable]]:
    """The same lists without values that are not the author's, the farthest from the default first, until they fit."""
    while math.prod(map(len, values)) > LARGEST:
        spare = [(_distance(value, own[at][0]), at, value) for at, each in enumerate(values) for value in each]
        spare = [each for each in spare if each[2] not in own[each[1]]]
        if not spare:
            break
        _, at, value = max(spare, key=lambda each: each[0])
        values[at].remove(value)
    return values


def _distance(value: Tunable, default: Tunable) -> float:
    """Doublings between two numbers."""
    if isinstance(value, bool) or not isinstance(value, int) or not isinstance(default, int):
        return 0.0
    return abs(math.log2(max(value, 0.5)) - math.log2(max(default, 0.5)))


def show(configuration: Mapping[str, Tunable]) -> str:
    """`block_N=128 snake=true`."""
    shown = {True: "true", False: "false"}
    pairs = ((name, shown[value] if isinstance(value, bool) else value) for name, value in configuration.items())
    return " ".join(f"{name}={value}" for name, value in pairs) or "the only one"
