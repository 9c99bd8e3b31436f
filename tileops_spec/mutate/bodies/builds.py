"""Which builds of a kernel are looked at, and in which of them a mutant is another program at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...analysis.binding import Binding
from ...analysis.cases import Case
from ...gates.candidate import factory_arguments
from ...gates.isolation import Completed, Limits, run_isolated
from ...ir.spec import Spec
from ...scaffold.body import Tunable
from ...scaffold.naming import factory_name

Arguments = Mapping[str, Any]
"""What a factory is called with."""


def case_arguments(spec: Spec, case: Case) -> dict[str, Any]:
    return factory_arguments(spec, case.binding(spec), case.absent)


def every_build(
    spec: Spec, cases: Sequence[Case], bindings: Sequence[Binding], choices: Sequence[Mapping[str, Tunable]]
) -> tuple[Arguments, ...]:
    """The distinct builds of the cases and bindings, and of the first of them each other choice of a tunable."""
    plain = [case_arguments(spec, case) for case in cases]
    plain += [factory_arguments(spec, binding) for binding in bindings]
    plain = list({repr(each): each for each in plain}.values())
    return (*plain, *({**plain[0], **choice} for choice in choices))


def trace_builds(spec: Spec, builds: Sequence[Arguments], kernel: str, limits: Limits) -> tuple[str, ...] | None:
    """The hash of each build's TIR, or what tracing it raised; None where the child did not end in time or died."""
    payload = {"kernel": kernel, "factory": factory_name(spec.op), "builds": [dict(each) for each in builds]}
    outcome = run_isolated("digests", payload, limits)
    return tuple(outcome.value) if isinstance(outcome, Completed) else None


def differing(builds: Sequence[Arguments], ours: Sequence[str], theirs: Sequence[str] | None) -> tuple[Arguments, ...]:
    """The builds whose TIR is not the same; all of them where one side could not be traced."""
    if theirs is None:
        return tuple(builds)
    return tuple(each for each, a, b in zip(builds, ours, theirs, strict=True) if a != b)


def touches(arguments: Arguments, builds: Sequence[Arguments]) -> bool:
    """Whether one of the builds has these arguments, whatever its tunables."""
    return any(all(build[name] == value for name, value in arguments.items()) for build in builds)
