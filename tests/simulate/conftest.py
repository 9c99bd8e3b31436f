"""Kernels are traced with spans, and compiled into a cache of the session."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def _traced_with_spans(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILELANG_ENABLE_IR_SPAN", "1")
        patch.setenv("TOSPEC_CACHE_DIR", str(tmp_path_factory.mktemp("sim")))
        yield
