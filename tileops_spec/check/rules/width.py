"""TS135: arithmetic in f64 that no tensor asks for."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Cast
from ...ir.spec import Spec
from ...ir.walk import walk
from .facts import dtype_options, is_implicit


def check_width(spec: Spec, sink: Sink) -> None:
    """TS135 for a cast to f64 where neither an input, an output nor a param is f64."""
    declared = (*spec.inputs, *spec.outputs, *spec.params)
    if any(option.name == "f64" for each in declared for option in dtype_options(spec, each.dtype)):
        return
    for definition in spec.math:
        for node in (node for value in definition.values for node in walk(value)):
            if isinstance(node, Cast) and node.dtype == "f64" and not is_implicit(node):
                message = "this is computed in f64, although no tensor and no param has that dtype"
                help_text = "cast to f32: GPUs compute f64 at a small fraction of the rate, and no result shows it"
                sink.warning("TS135", message, node.span, help=help_text)
