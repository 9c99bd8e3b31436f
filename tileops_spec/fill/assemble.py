"""The prompt of a spec, from everything that is derived from it."""

from __future__ import annotations

from ..analysis.binding import bind_workload
from ..analysis.classify import classify
from ..analysis.cost import cost
from ..hardware.features import derive_features
from ..hardware.floor import rate_of
from ..hardware.targets import Target
from ..ir.spec import Spec
from ..knowledge.antipatterns import load_antipatterns
from ..knowledge.patterns import select_patterns
from ..scaffold.render import render_hole
from .facts import TargetFacts, WorkloadFacts, workload_facts
from .prompt import Prompt, build_prompt


def assemble_prompt(spec: Spec, *, spec_text: str, target: Target) -> Prompt:
    """The prompt for a body of `spec` on `target`: patterns by features, costs of workloads, the file with its hole."""
    features = derive_features(spec, target)
    facts = target_facts(spec, target)
    return build_prompt(
        spec,
        spec_text=spec_text,
        features=features,
        patterns=select_patterns(features, target=target.name),
        antipatterns=load_antipatterns(),
        target=facts,
        workloads=workload_rows(spec, facts),
        hole=render_hole(spec),
    )


def target_facts(spec: Spec, target: Target) -> TargetFacts:
    """The target's limits as lines; its peak is that of tensor cores where the op can use them."""
    rate = rate_of(spec, classify(spec), target.device)
    peak = rate.flops
    unit = f"on tensor cores ({rate.dtype})" if rate.on_tensor_cores else "in float32"
    return TargetFacts(
        name=target.name,
        peak=peak,
        bandwidth=target.bandwidth,
        lines=(
            f"{target.gpu}: {target.processors} SMs; {peak / 1e12:.4g} TFLOP/s {unit}; {target.bandwidth / 1e12:.3g} "
            f"TB/s to memory; {peak / target.bandwidth:.3g} FLOP per byte where the two balance.",
            f"A block: at most {target.shared_memory} bytes of shared memory, {target.threads_per_block} threads, "
            f"{target.registers_per_thread} registers a thread; {target.registers} registers an SM.",
        ),
    )


def workload_rows(spec: Spec, target: TargetFacts) -> tuple[WorkloadFacts, ...]:
    """Every workload with its cost in the first option of each dtype."""
    formula = cost(spec)
    costs = [formula.evaluate(bind_workload(spec, dict(each.values))) for each in spec.workloads]
    pairs = zip(spec.workloads, costs, strict=True)
    return tuple(workload_facts(each, flops=value.flops, size=value.bytes, target=target) for each, value in pairs)
