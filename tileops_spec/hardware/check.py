"""The hardware that a spec asks for, against what it can have."""

from __future__ import annotations

from ..diagnostics.diagnostic import Sink
from ..ir.spec import Spec
from .features import FEATURES, derive_features
from .targets import TARGETS, Target


def check_hardware(spec: Spec, sink: Sink) -> None:
    """TS118 for targets and features that do not exist, TS119 for a required feature that the spec cannot have."""
    span = spec.hardware.span
    targets = [_known(name, TARGETS, "target", spec, sink) for name in spec.hardware.targets]
    known = [name for name in spec.hardware.require if _known(name, FEATURES, "feature", spec, sink) is not None]
    for target in (each for each in targets if isinstance(each, Target)):
        features = {feature.name: feature for feature in derive_features(spec, target)}
        for name in known:
            feature = features[name]
            if not feature.present:
                help_text = f"add `{feature.unlock}` to `where`" if feature.unlock else f"take {name} out of `require`"
                message = f"`{name}` is required, but {spec.op} cannot have it on {target.name}: {feature.reason}"
                sink.error("TS119", message, span, help=help_text)


def _known(name: str, table: dict, what: str, spec: Spec, sink: Sink) -> object | None:
    if name in table:
        return table[name]
    help_text = f"the {what}s are {', '.join(table)}"
    sink.error("TS118", f"there is no {what} `{name}`", spec.hardware.span, help=help_text)
    return None
