"""Where the grammar, the templates and the patterns lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def resource_root() -> Path:
    """The folder that holds `grammar/`, `templates/`, `patterns/` and `docs/rules/`."""
    bundled = _PACKAGE / "_data"
    return bundled if bundled.is_dir() else _PACKAGE.parent


def resource(*parts: str) -> Path:
    """The path of one resource, e.g. `resource("grammar", "spec.lark")`."""
    return resource_root().joinpath(*parts)
