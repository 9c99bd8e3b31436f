"""tospec: a compiler for GPU kernel specs."""

__version__ = "0.1.0"
