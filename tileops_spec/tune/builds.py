"""The kernels that configurations come to: traced in a child, the same ones found by their text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.binding import Binding
from ..gates.candidate import build_request
from ..gates.isolation import Completed, Limits, Outcome, Raised
from ..gates.traced import trace_all
from ..ir.spec import Spec
from ..scaffold.naming import safe_name
from .space import Configuration


@dataclass(frozen=True, slots=True)
class Build:
    """One configuration for one binding: its PrimFunc as JSON, or why it has none. `digest` is that of the text."""

    configuration: Configuration
    text: str | None = None
    error: str | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256((self.text or "").encode()).hexdigest()


class TuningError(RuntimeError):
    """The body cannot be tuned at all; the message says why."""


def trace_builds(
    spec: Spec, binding: Binding, kernel: Path, configurations: Sequence[Configuration], limits: Limits
) -> tuple[Build, ...]:
    """One build a configuration, in their order. TuningError where tracing itself does not end."""
    request = build_request(spec, binding, str(kernel))
    requests = [{**request, "arguments": {**request["arguments"], **_named(each)}} for each in configurations]
    return tuple(map(_build, configurations, trace_all(requests, limits)))


def _named(configuration: Configuration) -> dict[str, Any]:
    return {safe_name(name): value for name, value in configuration.items()}


def _build(configuration: Configuration, outcome: Outcome) -> Build:
    if isinstance(outcome, Completed):
        return Build(configuration, text=outcome.value)
    if isinstance(outcome, Raised):
        return Build(configuration, error=reason_of(outcome))
    raise TuningError(f"tracing {configuration}: {reason_of(outcome)}")


def reason_of(outcome: Outcome) -> str:
    """Why a child gave no answer, in a few words."""
    if isinstance(outcome, Raised):
        return f"{outcome.type}: {outcome.message}"
    return "no answer" if isinstance(outcome, Completed) else type(outcome).__name__


def distinct(builds: Sequence[Build]) -> dict[str, list[Build]]:
    """The builds that were traced, by digest, in their order: each list is one kernel under several configurations."""
    groups: dict[str, list[Build]] = {}
    for build in builds:
        if build.text is not None:
            groups.setdefault(build.digest, []).append(build)
    return groups
