"""Proofs about a spec for all shapes that its clauses allow, by form where that is enough and else by z3."""

from .clauses import check_clauses
from .ranges import check_ranges

__all__ = ["check_clauses", "check_ranges"]
