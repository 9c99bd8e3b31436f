"""The rules of the static gate, as data: one function a rule, from a source to its findings.

A rule speaks only where it is sure. What it cannot decide (a buffer passed on under another name, an extent known only
when the body is traced) it leaves to the gates that run the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ...diagnostics.diagnostic import Diagnostic
from .accumulators import ap01_accumulator_never_written, ap31_low_precision_accumulator
from .arguments import ap02_no_stages, ap12_removed_arguments
from .attributes import check_attributes, check_keywords
from .corners import ap32_corner_of_other_axes
from .names import check_names
from .source import Source
from .statements import check_statements
from .symbolic import ap13_python_functions, ap13_whole_number_division
from .tensors import ap27_input_written, check_tensors
from .words import check_words

Rule: TypeAlias = Callable[[Source], Iterator[Diagnostic]]

CHECKS: tuple[Rule, ...] = (check_statements, check_names, check_attributes, check_keywords, check_words, check_tensors)
"""What every body must keep to: TS402, TS403, and tensors read and written (TS405)."""

RULES: tuple[Rule, ...] = (
    ap01_accumulator_never_written,
    ap02_no_stages,
    ap12_removed_arguments,
    ap13_python_functions,
    ap13_whole_number_division,
    ap27_input_written,
    ap31_low_precision_accumulator,
    ap32_corner_of_other_axes,
)
"""The anti-patterns that a text shows (TS405), each named by its code in patterns/antipatterns.yaml."""
