"""The bytes choose how a spec is written in YAML, and what disturbs it."""

from __future__ import annotations

from .fuzzing import fuzz
from .inputs import yaml_file

if __name__ == "__main__":
    fuzz(yaml_file)
