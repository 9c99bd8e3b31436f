"""The one way to write a spec: white space, quotes and the order of keys change, what it says does not."""

from __future__ import annotations

from .formatter import Unfaithful, format_spec

__all__ = ["Unfaithful", "format_spec"]
