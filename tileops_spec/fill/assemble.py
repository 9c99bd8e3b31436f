"""The prompt of a spec, from everything that is derived from it."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.binding import bind_workload
from ..analysis.cost import cost
from ..ir.spec import Spec
from ..knowledge.antipatterns import load_antipatterns
from ..knowledge.patterns import select_patterns
from ..scaffold.render import render_hole
from .facts import TargetFacts, WorkloadFacts, workload_facts
from .prompt import FeatureLike, Prompt, build_prompt


def assemble_prompt(spec: Spec, *, spec_text: str, features: Sequence[FeatureLike], target: TargetFacts) -> Prompt:
    """The prompt for a body of `spec` on `target`: patterns by features, costs of workloads, the hole."""
    return build_prompt(
        spec,
        spec_text=spec_text,
        features=features,
        patterns=select_patterns(features, target=target.name),
        antipatterns=load_antipatterns(),
        target=target,
        workloads=workload_rows(spec, target),
        hole=render_hole(spec),
    )


def workload_rows(spec: Spec, target: TargetFacts) -> tuple[WorkloadFacts, ...]:
    """Every workload with its cost in the first option of each dtype."""
    formula = cost(spec)
    costs = [formula.evaluate(bind_workload(spec, dict(each.values))) for each in spec.workloads]
    pairs = zip(spec.workloads, costs, strict=True)
    return tuple(workload_facts(each, flops=value.flops, size=value.bytes, target=target) for each, value in pairs)
