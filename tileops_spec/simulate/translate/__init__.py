"""From a PrimFunc before lowering to C++."""

from __future__ import annotations

from .kernel import Translation, translate_function

__all__ = ["Translation", "translate_function"]
