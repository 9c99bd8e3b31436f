"""The fuzz targets in short: every input of the corpus, and some that hypothesis makes.

The corpus holds seeds, and every input that ever raised or took too long: a fuzzer's bytes, for the target that its
folder names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .inputs import mathematics, yaml_file
from .invariants import hold, hold_syntax

TARGETS: dict[str, Callable[[bytes], bytes]] = {"bytes": bytes, "yaml": yaml_file, "math": mathematics}
CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").rglob("*") if path.is_file())
SHORT = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_corpus(path: Path) -> None:
    data = TARGETS[path.parent.name](path.read_bytes())
    hold_syntax(data)
    hold(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run(target: str) -> None:
    @SHORT
    @given(data=st.binary(max_size=120))
    def run(data: bytes) -> None:
        hold(TARGETS[target](data))

    run()


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_seeds(target: str) -> None:
    assert any(path.parent.name == target for path in CORPUS)


def test_the_targets_reach_what_loads() -> None:
    """Without choices the files are sound, so that what a fuzzer changes first is checked to the end."""
    assert hold(mathematics(bytes([0, 0, 0, 0, 1]))) is not None
