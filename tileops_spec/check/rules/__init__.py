"""What is wrong with a spec although every name, rank and dtype in it is right: one rule a file, over the typed IR."""

from __future__ import annotations

from .arithmetic import check_narrow_arithmetic
from .defaults import check_defaults
from .defined import check_defined
from .dims import check_dims
from .equality import check_equality
from .idle_casts import check_idle_casts
from .late import check_late_widening
from .narrow import check_narrow_accumulation
from .narrow_index import check_narrow_index
from .python_names import check_references
from .recurrences import check_recurrences
from .rounding import check_rounding
from .unused import check_unused
from .width import check_width

RULES = (
    check_dims,
    check_unused,
    check_defaults,
    check_defined,
    check_recurrences,
    check_narrow_accumulation,
    check_late_widening,
    check_narrow_arithmetic,
    check_width,
    check_rounding,
    check_idle_casts,
    check_narrow_index,
    check_equality,
    check_references,
)
"""Every rule, in the order in which they run; each takes the spec and the sink."""
