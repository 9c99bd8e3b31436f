"""The prompt: all that a model sees. A stable prefix, which providers may cache, and the task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from ..ir.spec import Spec
from ..knowledge.antipatterns import AntiPattern
from ..knowledge.patterns import Pattern
from ..knowledge.reference import load_reference
from ..resources import resource
from .facts import TargetFacts, WorkloadFacts, spec_facts

if TYPE_CHECKING:
    from jinja2 import Environment

_CHARACTERS_PER_TOKEN = 3.3
"""Of prompts like these, measured low: English with much code."""


class FeatureLike(Protocol):
    """A hardware feature with the reason for its yes or no."""

    @property
    def name(self) -> str: ...
    @property
    def present(self) -> bool: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """`prefix` is the same for every op; `task` is this op's."""

    prefix: str
    task: str

    @property
    def text(self) -> str:
        return self.prefix + self.task

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def token_estimate(self) -> int:
        """From the number of characters; the model's own count differs by some ten percent."""
        return round(len(self.text) / _CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptContext:
    """Everything that prompt.md.j2 says."""

    reference: str
    antipatterns: tuple[AntiPattern, ...]
    patterns: tuple[Pattern, ...]
    op: str
    summary: str
    spec_text: str
    facts: tuple[str, ...]
    features: tuple[FeatureLike, ...]
    require: tuple[str, ...]
    target: TargetFacts
    workloads: tuple[WorkloadFacts, ...]
    hole: str


def build_prompt(
    spec: Spec,
    *,
    spec_text: str,
    features: Iterable[FeatureLike],
    patterns: Sequence[Pattern],
    antipatterns: Sequence[AntiPattern],
    target: TargetFacts,
    workloads: Sequence[WorkloadFacts],
    hole: str,
) -> Prompt:
    """The prompt for a body of `spec`. `spec_text` is the spec's file, `hole` the kernel.py with its hole."""
    context = PromptContext(
        reference=load_reference(),
        antipatterns=tuple(antipatterns),
        patterns=tuple(patterns),
        op=spec.op,
        summary=spec.summary,
        spec_text=spec_text.rstrip(),
        facts=spec_facts(spec),
        features=tuple(features),
        require=spec.hardware.require,
        target=target,
        workloads=tuple(workloads),
        hole=hole.rstrip(),
    )
    return Prompt(_render_block("prompt.md.j2", "prefix", context), _render_block("prompt.md.j2", "task", context))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(resource("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render_template(name: str, context: object) -> str:
    """The template, which sees the context as `c`."""
    return _environment().get_template(name).render(c=context)


def _render_block(name: str, block: str, context: object) -> str:
    template = _environment().get_template(name)
    return "".join(template.blocks[block](template.new_context({"c": context})))
