"""Shared by all tests: the repository root, and a spec file from text."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def write_spec(tmp_path: Path):
    """Write a spec under the name that its `op:` gives, and return the path."""

    def write(text: str, name: str = "probe") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
