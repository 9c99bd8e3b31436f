"""AP02 and AP12: arguments that turn a feature off, or are gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from .reading import PRODUCTS, argument, calls_of, resolved, unpacks
from .source import Source

_ASYNCHRONOUS = "use T.wgmma_gemm with T.wait_wgmma(n)"
_REMOVED = {
    **{name: {"wg_wait": _ASYNCHRONOUS, "k_pack": "leave it out"} for name in PRODUCTS},
    "Pipelined": {"sync": "leave it out", "group": "leave it out"},
}
_TMA_BY_HAND = ("tma_copy", "im2col", "c2d_im2col")


def ap12_removed_arguments(source: Source) -> Iterator[Diagnostic]:
    """Arguments that TileLang has removed."""
    for name, call in calls_of(source, *_REMOVED):
        for each in call.keywords:
            if each.arg in _REMOVED[name]:
                message = f"AP12: `{each.arg}` is not an argument of T.{name} any more"
                yield source.finding("TS405", call, message, _REMOVED[name][each.arg])


def ap02_no_stages(source: Source) -> Iterator[Diagnostic]:
    """Pipelines without stages, where the spec requires TMA and nothing else in the body can bring it."""
    if "tma" not in source.spec.hardware.require or any(calls_of(source, *_TMA_BY_HAND)):
        return
    pipelines = [call for _, call in calls_of(source, "Pipelined")]
    if not all(_has_no_stages(source, call) for call in pipelines):
        return
    for call in pipelines:
        message = "AP02: num_stages=0, also the default, turns off TMA loads, which the spec requires"
        yield source.finding("TS405", call, message, "use 2 to 4 stages")


def _has_no_stages(source: Source, call: ast.Call) -> bool:
    stages = resolved(source, argument(call, 2, "num_stages"))
    if stages is None:
        return not unpacks(call)
    return isinstance(stages, ast.Constant) and stages.value == 0
