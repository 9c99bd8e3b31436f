"""The kernels that configurations come to: traced in a child, the same ones found by their text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.binding import Binding
from ..gates.candidate import build_request
from ..gates.isolation import Completed, Limits, Outcome, Raised, run_all
from ..ir.spec import Spec
from ..scaffold.naming import safe_name
from .space import Configuration

_AT_ONCE = 24
"""Configurations that one child traces: enough that its start does not count."""


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
    parts = [configurations[start : start + _AT_ONCE] for start in range(0, len(configurations), _AT_ONCE)]
    outcomes = run_all("traces", [_payload(request, part) for part in parts], limits)
    found: list[Build] = []
    for part, outcome in zip(parts, outcomes, strict=True):
        if not isinstance(outcome, Completed) or not _is_answer(outcome.value, len(part)):
            raise TuningError(f"tracing {len(part)} configurations: {reason_of(outcome)}")
        found += map(_build, part, outcome.value)
    return tuple(found)


def _payload(request: Mapping[str, Any], part: Sequence[Configuration]) -> dict[str, Any]:
    builds = [{**request["arguments"], **{safe_name(name): value for name, value in each.items()}} for each in part]
    return {"kernel": request["kernel"], "factory": request["factory"], "builds": builds}


def _is_answer(value: Any, count: int) -> bool:
    """The child runs a body's code: nothing that it says is believed before it is looked at."""
    if not isinstance(value, list) or len(value) != count or not all(isinstance(each, dict) for each in value):
        return False
    return all(len(each) == 1 and all(isinstance(text, str) for text in each.values()) for each in value)


def reason_of(outcome: Outcome) -> str:
    """Why a child gave no answer, in a few words."""
    if isinstance(outcome, Raised):
        return f"{outcome.type}: {outcome.message}"
    return "no answer" if isinstance(outcome, Completed) else type(outcome).__name__


def _build(configuration: Configuration, traced: Mapping[str, str]) -> Build:
    return Build(configuration, text=traced.get("text"), error=traced.get("error"))


def distinct(builds: Sequence[Build]) -> dict[str, list[Build]]:
    """The builds that were traced, by digest, in their order: each list is one kernel under several configurations."""
    groups: dict[str, list[Build]] = {}
    for build in builds:
        if build.text is not None:
            groups.setdefault(build.digest, []).append(build)
    return groups
