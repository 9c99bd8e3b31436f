"""What changed between two versions of a spec, and what follows from it."""

from .compare import Comparison, compare_specs
from .levels import Change, Level

__all__ = ["Change", "Comparison", "Level", "compare_specs"]
