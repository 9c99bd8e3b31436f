"""The shape nearest to one that is wished for: what `where` allows, and what is cheap enough."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.scalars import Scalar
from ..ir.spec import Spec
from .candidates import Search, divisors

_LARGEST = 2**16
_POWERS = tuple(2**power for power in range(11, 17))


@dataclass
class NearSearch(Search):
    """For each dim, tries values in the order of their distance from a wish; what it knows of the clauses is kept from
    one search to the next. Dims that divide others are settled before those, and dims that others determine come last.
    """

    wishes: Mapping[str, int] = field(default_factory=dict)

    def nearest(
        self,
        wishes: Mapping[str, int],
        params: Mapping[str, Scalar],
        fits: Callable[[Mapping[str, int]], bool] = lambda dims: True,
    ) -> dict[str, int] | None:
        """Extents of all dims that satisfy `where` with these params, each near its wish (without one, near 1).

        The same for the same arguments. `fits` is asked of partial choices too. A wish of 0 counts where `where`
        allows 0; no other dim gets it. None where the search ends without a shape.
        """
        self.rng, self.wishes, self.fits = random.Random(0), wishes, fits
        dims = self.solve({}, params)
        return None if dims is None else {dim.name: dims[dim.name] for dim in self.spec.dims}

    def proposals(self, name: str, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> set[int]:
        """The usual ones, and the required multiples on either side of the wish."""
        wish = min(self.wishes.get(name, 1), _LARGEST)
        found = super().proposals(name, dims, params)
        for divisor in divisors(name, self._about(name), dims, params):
            found |= {wish // divisor * divisor, (wish // divisor + 1) * divisor}
        return found

    def _ranked(self, name: str, values: set[int], dims: Mapping[str, int]) -> list[int]:
        wish = min(self.wishes.get(name, 1), _LARGEST)
        proposed = {value for value in values if value >= 1} | {wish}
        if wish > max(values):
            proposed |= {value for value in _POWERS if value <= wish}
        return sorted(proposed, key=lambda value: (self._crosses(value, wish), abs(value - wish), value))

    def _crosses(self, value: int, wish: int) -> bool:
        """Whether an extent lies on the other side of a tile's edge than the wish does, which is right beside it."""
        return (value > wish and wish + 1 in self.tiles) or (value < wish and wish - 1 in self.tiles)


def near_search(spec: Spec, tiles: Sequence[int] = ()) -> NearSearch:
    """A search for shapes of a spec. Wishes beside one of `tiles` stay on their side, as far as `where` lets them."""
    return NearSearch(spec, tiles, random.Random(0), lambda dims: True)


def size_of(dims: Mapping[str, int]) -> float:
    """What shrinking makes less: the logarithms of the extents, so that halving any of them counts alike."""
    return sum(math.log2(1 + extent) for extent in dims.values())
