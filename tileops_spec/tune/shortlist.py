"""Which configurations are worth timing on one workload: rules that drop what cannot win, then a rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..hardware import Target
from .builds import Build, distinct
from .space import Configuration, Tunables

Data = Mapping[str, Any]

SHARE = 10
"""One of so many candidates is timed."""
RULES = ("does not build", "same kernel", "threads", "shared memory", "registers", "larger than the problem", "rank")
"""Why a candidate is not timed, in the order in which the rules are asked."""
_ALIKE = 0.02
"""Estimates that differ by less say nothing: then the configuration nearer to the author's comes first."""
_REPEATED = 1
"""Steps by which one that is taken puts back those that the estimate cannot tell from it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A kernel by its first configuration. `others` come to the same kernel. `rule`: what drops it, None where it is
    timed; `reason` in words. `assessment` is the model's, None where it cannot read the kernel."""

    configuration: Configuration
    others: tuple[Configuration, ...] = ()
    rule: str | None = None
    reason: str = ""
    assessment: Data | None = None
    estimate: Data | None = None

    @property
    def seconds(self) -> float:
        return self.estimate["seconds"] if self.estimate else math.inf


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Of `candidates` configurations `chosen` are timed, the most promising first; `dropped` counts by rule."""

    candidates: int
    chosen: tuple[Judged, ...]
    dropped: Mapping[str, int]
    kernels: tuple[Judged, ...] = field(repr=False)


def shortlist(
    builds: Sequence[Build], assessments: Mapping[str, Data], workload: int, target: Target, tunables: Tunables
) -> Shortlist:
    """The shortlist of the workload at a place in the assessments, which are by digest; the first build is the default.

    At most a SHARE-th of the candidates, the default always among them.
    """
    groups = distinct(builds)
    kernels = [_judge(group, assessments[digest], workload, target) for digest, group in groups.items()]
    default = next((each for each in kernels if builds[0].configuration in (each.configuration, *each.others)), None)
    open_ = [each for each in kernels if each.rule is None and each is not default]
    room = max(1, len(builds) // SHARE) - (default is not None)
    chosen = [*_best(open_, room, tunables), *([default] if default else [])]
    chosen.sort(key=lambda each: each.seconds)
    dropped = _counts(builds, kernels, default)
    dropped["rank"] = max(0, len(open_) - room)
    return Shortlist(len(builds), tuple(chosen), dropped, tuple(kernels))


def _judge(group: Sequence[Build], assessment: Data, workload: int, target: Target) -> Judged:
    first, *others = (each.configuration for each in group)
    if "error" in assessment:
        return Judged(first, tuple(others), reason=assessment["error"])
    estimate = assessment["workloads"][workload]
    rule, reason = _dropped(assessment, estimate, target)
    return Judged(first, tuple(others), rule, reason, assessment, estimate)


def _dropped(assessment: Data, estimate: Data, target: Target) -> tuple[str | None, str]:
    shared, registers = assessment["shared"], assessment["registers"]
    if assessment["missing"]:
        return "does not build", f"the body asks for {', '.join(assessment['missing'])}, which {target.name} has not"
    if assessment["threads"] > target.threads_per_block:
        return "threads", f"{assessment['threads']} threads a block, of {target.threads_per_block}"
    if shared["least"] > target.shared_memory:
        return "shared memory", f"{shared['least']} bytes a block, of {target.shared_memory}"
    if registers["answer"] == "too many":
        return "registers", f"tiles in {registers['tiles']} registers a thread, of {registers['limit']}"
    if estimate["larger"]:
        return "larger than the problem", estimate["larger"]
    return None, ""


def _best(kernels: Sequence[Judged], room: int, tunables: Tunables) -> list[Judged]:
    """One after the other, the most promising of those that are left.

    Where the estimate sees no difference, a few stand for all: each one that is taken puts those like it back by a
    step, so that the list is not filled with what the model cannot tell apart. Those few differ in what they choose:
    values that were taken least come first, then those nearer to the author's.
    """
    left = sorted(kernels, key=lambda each: (_step(each), _from_author(each, tunables)))
    taken: list[Judged] = []
    alike: Counter[float] = Counter()
    values: Counter[tuple] = Counter()
    while left and len(taken) < room:
        first = min(left, key=lambda each: (_step(each) + _REPEATED * alike[_step(each)], _taken(each, values)))
        left.remove(first)
        taken.append(first)
        alike[_step(first)] += 1
        values.update(first.configuration.items())
    return taken


def _taken(each: Judged, values: Counter[tuple]) -> int:
    """How often the values of a configuration were taken already."""
    return sum(values[pair] for pair in each.configuration.items())


def _step(each: Judged) -> float:
    """The estimate in steps of what it can tell apart; what the model cannot read comes first."""
    return round(math.log(each.seconds) / _ALIKE) if each.estimate else -math.inf


def _from_author(each: Judged, tunables: Tunables) -> float:
    return min(_distance(configuration, tunables) for configuration in (each.configuration, *each.others))


def _distance(configuration: Configuration, tunables: Tunables) -> float:
    """For each tunable: the place among the author's values, or, for others, beyond them."""
    far = 0.0
    for name, own in tunables:
        value = configuration[name]
        far += own.index(value) / len(own) if value in own else 1.0 + _doublings(value, own[0]) / 10
    return far


def _doublings(value: object, default: object) -> float:
    numbers = [each for each in (value, default) if isinstance(each, int | float) and each > 0]
    return abs(math.log2(numbers[0] / numbers[1])) if len(numbers) == 2 else 0.0


def _counts(builds: Sequence[Build], kernels: Sequence[Judged], default: Judged | None) -> dict[str, int]:
    counts = dict.fromkeys(RULES, 0)
    counts["does not build"] = sum(each.text is None for each in builds)
    counts["same kernel"] = sum(len(each.others) for each in kernels)
    for each in kernels:
        if each.rule is not None and each is not default:
            counts[each.rule] += 1
    return counts
