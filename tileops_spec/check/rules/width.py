"""TS135: f64 that goes in or is computed in, and does not come out."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Cast
from ...ir.spec import Param, Spec, TensorDecl
from ...ir.walk import walk
from .facts import dtype_options, is_implicit


def check_width(spec: Spec, sink: Sink) -> None:
    """TS135 for an f64 input where no output is f64, and for a cast to f64 where nothing is declared f64."""
    if any(_may_be_f64(each, spec) for each in (*spec.outputs, *spec.params)):
        return
    wide = [each for each in spec.inputs if _may_be_f64(each, spec)]
    for tensor in wide:
        message = f"`{tensor.name}` is f64, and no output is: what it has more than f32 is lost"
        sink.warning(
            "TS135", message, tensor.span, help="declare it f32: GPUs compute f64 at a small fraction of the rate"
        )
    for definition in () if wide else spec.math:
        for node in (node for value in definition.values for node in walk(value)):
            if isinstance(node, Cast) and node.dtype == "f64" and not is_implicit(node):
                message = "this is computed in f64, although no tensor and no param has that dtype"
                help_text = "cast to f32: GPUs compute f64 at a small fraction of the rate, and no result shows it"
                sink.warning("TS135", message, node.span, help=help_text)


def _may_be_f64(declared: TensorDecl | Param, spec: Spec) -> bool:
    return any(option.name == "f64" for option in dtype_options(spec, declared.dtype))
