"""The prompt for a spec."""

from __future__ import annotations

from pathlib import Path

from ..fill.assemble import assemble_prompt
from ..fill.prompt import Prompt
from ..hardware import TARGETS
from ..ir.spec import Spec


def request_body(spec: Spec) -> Prompt:
    """The prompt that asks for a body of `spec`: the same text for the same spec, patterns and templates."""
    spec_text = Path(spec.path).read_text(encoding="utf-8")
    return assemble_prompt(spec, spec_text=spec_text, target=TARGETS[spec.hardware.targets[0]])
