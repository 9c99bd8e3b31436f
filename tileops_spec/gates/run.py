"""The gates in their order; the first that rejects a body ends the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..analysis.cases import Case
from ..diagnostics.text import SourceText
from ..hardware import Target
from ..ir.spec import Spec
from ..scaffold.body import Body
from .candidate import representative_bindings
from .compile import check_compilation
from .emulate import check_emulation
from .isolation import Limits, warm_up
from .lower import check_lowering
from .more_cases import with_more_cases
from .static import check_static
from .verdict import Verdict


def run_gates(
    spec: Spec,
    body: Body,
    *,
    kernel_path: Path,
    target: Target,
    cases: Sequence[Case],
    time_limit: float,
    on_verdict: Callable[[Verdict], None],
) -> tuple[Verdict, ...]:
    """static, lower, compile, emulate on the kernel.py at `kernel_path`, which holds `body`.

    `time_limit` is in seconds, for each child process. `on_verdict` hears of each gate as it ends.
    """
    kernel = SourceText(str(kernel_path), kernel_path.read_text(encoding="utf-8"))
    verdicts: list[Verdict] = []
    for verdict in _verdicts(spec, body, kernel, target, cases, Limits(seconds=time_limit)):
        verdicts.append(verdict)
        on_verdict(verdict)
        if verdict.status not in ("passed", "skipped"):
            break
    return tuple(verdicts)


def _verdicts(spec: Spec, body: Body, kernel: SourceText, target: Target, cases: Sequence[Case], limits: Limits):
    """The gates, each run when it is asked for."""
    warm_up()
    yield check_static(spec, body, kernel)
    cases = with_more_cases(spec, body, cases)
    lowering, builds = check_lowering(spec, representative_bindings(spec, cases), kernel, target, limits)
    yield lowering
    yield check_compilation(builds, kernel, target)
    yield check_emulation(spec, cases, kernel, limits)
