"""The bytes are the file."""

from __future__ import annotations

from .fuzzing import fuzz

if __name__ == "__main__":
    fuzz(bytes)
