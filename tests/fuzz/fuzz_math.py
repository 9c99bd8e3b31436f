"""The bytes choose one string of a spec that is sound otherwise."""

from __future__ import annotations

from .fuzzing import fuzz
from .inputs import mathematics

if __name__ == "__main__":
    fuzz(mathematics)
