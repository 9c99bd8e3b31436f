"""The prompt for a spec: features, patterns, target facts and workloads brought together."""

from __future__ import annotations

from pathlib import Path

from ..analysis.binding import bind_workload
from ..analysis.cost import cost
from ..fill.facts import TargetFacts, WorkloadFacts, workload_facts
from ..fill.prompt import Prompt, build_prompt
from ..hardware import TARGETS, derive_features
from ..ir.spec import Spec
from ..knowledge.antipatterns import load_antipatterns
from ..knowledge.patterns import select_patterns
from ..scaffold.render import render_hole


def request_body(spec: Spec) -> Prompt:
    """The prompt that asks for a body of `spec`: the same text for the same spec, patterns and templates."""
    target = TARGETS[spec.hardware.targets[0]]
    features = derive_features(spec, target)
    facts = target_facts(target, spec)
    return build_prompt(
        spec,
        spec_text=Path(spec.path).read_text(encoding="utf-8"),
        features=features,
        patterns=select_patterns(features),
        antipatterns=load_antipatterns(),
        target=facts,
        workloads=workload_table(spec, facts),
        hole=render_hole(spec),
    )


def workload_table(spec: Spec, target: TargetFacts) -> tuple[WorkloadFacts, ...]:
    """Each workload with its cost in the first dtypes and its floor on the target."""
    symbolic = cost(spec)
    rows = []
    for workload in spec.workloads:
        priced = symbolic.evaluate(bind_workload(spec, dict(workload.values)))
        rows.append(workload_facts(workload, flops=priced.flops, size=priced.bytes, target=target))
    return tuple(rows)
