"""YAML files of the knowledge base, read into pydantic models with errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

Model = TypeVar("Model")


class KnowledgeError(Exception):
    """A file of the knowledge base is missing something or says something wrong."""


class Record(BaseModel):
    """The base of every model here: immutable, and no stray keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def read_document(path: Path, model: type[Model]) -> Model:
    """The file at `path` as a `model`; KnowledgeError names the file and each key."""
    return validate(load_yaml(path), model, path)


def validate(data: Any, model: type[Model], path: Path) -> Model:
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        faults = "; ".join(_fault(each["loc"], each["msg"]) for each in error.errors())
        raise KnowledgeError(f"{path}: {faults}") from None


def _fault(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place)) or 'the whole file'}: {message}"


def load_yaml(path: Path) -> Any:
    """The plain data of the YAML file at `path`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise KnowledgeError(f"{path}: {' '.join(str(error).split())}") from error
