"""From syntax to IR: names, ranks, extents, dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..diagnostics.diagnostic import Sink
    from ..ir.spec import Spec


def load_spec(path: Path, sink: Sink) -> Spec | None:
    """Read, parse and check one spec file; every error goes to the sink, and None comes back where there is one."""
    from .load import load_spec as load

    return load(path, sink)
