"""Which features of a target a spec can use, each yes and each no with its reason."""

from __future__ import annotations

from collections.abc import Callable

from ..ir.spec import Spec
from . import copies, forms, tensor_cores
from .facts import Facts, Feature, Known, known_of
from .targets import Target

__all__ = ["FEATURES", "Facts", "Feature", "Known", "derive_features", "features_on", "known_of", "meaning"]

FEATURES: dict[str, Callable[[Facts], Feature]] = {
    "mma": tensor_cores.mma,
    "wgmma": tensor_cores.wgmma,
    "tcgen05": tensor_cores.tcgen05,
    "fp8": tensor_cores.fp8,
    "tma": copies.tma,
    "cp-async": copies.cp_async,
    "cluster": copies.cluster,
    "pipeline": forms.pipeline,
    "online-softmax": forms.online_softmax,
    "row-reduction": forms.row_reduction,
    "vectorized": copies.vectorized,
    "dynamic-shape": forms.dynamic_shape,
    "causal-skip": forms.causal_skip,
    "chained-contraction": forms.chained_contraction,
    "broadcast-heads": forms.broadcast_heads,
}
"""Every feature by name, with the predicate that derives it; the predicate's docstring says what the feature is."""


def derive_features(spec: Spec, target: Target) -> tuple[Feature, ...]:
    """Every feature, present or not, in the order of FEATURES."""
    return features_on(known_of(spec), target)


def features_on(known: Known, target: Target) -> tuple[Feature, ...]:
    """The same of a spec whose structure is known, for several targets."""
    facts = Facts(known, target, known.spec.where)
    return tuple(predicate(facts) for predicate in FEATURES.values())


def meaning(name: str) -> str:
    """What a feature is, in a sentence."""
    return (FEATURES[name].__doc__ or "").splitlines()[0]
