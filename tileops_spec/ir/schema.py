"""Specs as JSON, with every type checked on the way in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .spec import Spec

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Spec]:
    from pydantic import TypeAdapter

    return TypeAdapter(Spec)


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """The spec as values that `json` writes, places included."""
    return _adapter().dump_python(spec, mode="json")


def spec_from_json(content: dict[str, Any]) -> Spec:
    """The spec again; pydantic's ValidationError where something is missing, of the wrong type, or not known."""
    return _adapter().validate_python(content)


def spec_schema() -> dict[str, Any]:
    """The JSON schema of `spec_to_json`."""
    return _adapter().json_schema()
