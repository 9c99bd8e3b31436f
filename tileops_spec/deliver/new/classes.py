"""Specs from templates, one a class of operators: whole specs that are right, with comments that teach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from ...check.load import OP_NAME
from ...resources import resource

_SUFFIX = ".yaml.j2"


def template_classes() -> tuple[str, ...]:
    """The classes that have a template."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in resource("templates", "spec").glob(f"*{_SUFFIX}")))


def name_problem(op: str) -> str | None:
    """Why an op cannot be called so; None where it can."""
    if iskeyword(op):
        return f"`{op}` is a word of Python; name the op otherwise, such as `{op}_op`"
    return None if OP_NAME.match(op) else f"`{op}` is not snake_case; name the op like `rms_norm`"


@dataclass(frozen=True, slots=True)
class ClassContext:
    """What a class template names."""

    op: str

    @property
    def title(self) -> str:
        """`rms_norm` → `Rms norm`."""
        return self.op.replace("_", " ").capitalize()


def spec_of_class(op: str, kind: str) -> str:
    """The text of a spec of one of `template_classes`, for an op whose name has no problem."""
    return render(f"spec/{kind}{_SUFFIX}", ClassContext(op))


def render(template: str, context: Any) -> str:
    return _environment().get_template(template).render(c=context)


@lru_cache(maxsize=1)
def _environment():
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
