"""Specs for the tests of the analysis: those of the project, and small ones from text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.spec import Spec

SpecOf = Callable[[str], Spec]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tensors are small here: threads that wait for each other cost more than they give."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def project_spec(root: Path) -> SpecOf:
    """A spec under specs/ by name."""
    return lambda name: _load(root / "specs" / f"{name}.yaml")


@pytest.fixture
def spec_of(tmp_path: Path) -> SpecOf:
    """A spec from the part of its text that matters."""

    def make(text: str) -> Spec:
        path = tmp_path / "probe.yaml"
        path.write_text(f"op: probe\nsummary: A probe.\n{text}", encoding="utf-8")
        return _load(path)

    return make


def _load(path: Path) -> Spec:
    sink = Sink()
    spec = load_spec(path, sink)
    assert spec is not None, [found.message for found in sink.diagnostics]
    return spec
