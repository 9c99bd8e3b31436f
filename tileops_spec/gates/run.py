"""The gates in their order; the first that rejects a body ends the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ..analysis.cases import Case
from ..analysis.shrink import Budget
from ..diagnostics.text import SourceText
from ..hardware import Target
from ..ir.spec import Spec
from ..scaffold.body import Body
from .candidate import further_bindings, representative_bindings
from .compile import check_compilation
from .device.gate import check_on_device
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
    first: Sequence[Case] = (),
    exactly: bool = False,
    budget: Budget | None = None,
    device: bool = True,
) -> tuple[Verdict, ...]:
    """static, lower, compile, emulate, device on the kernel.py at `kernel_path`, which holds `body`.

    `time_limit` is in seconds, for each child process. `on_verdict` hears of each gate as it ends. Cases that come
    `first` are emulated before the others, and nothing else. `exactly`: nothing but the cases matters, so only static
    and emulate run. `budget` is for making a case that fails smaller. Without `device` that gate is skipped.
    """
    kernel = SourceText(str(kernel_path), kernel_path.read_text(encoding="utf-8"))
    verdicts: list[Verdict] = []
    limits = Limits(seconds=time_limit)
    if exactly:
        rest = lambda: iter((check_emulation(spec, cases, kernel, limits, exactly=True, budget=budget),))  # noqa: E731
    else:
        rest = partial(_check_all, spec, body, kernel, target, (first, cases), limits, (budget, device))
    for verdict in _verdicts(partial(check_static, spec, body, kernel), rest):
        verdicts.append(verdict)
        on_verdict(verdict)
        if verdict.status not in ("passed", "skipped"):
            break
    return tuple(verdicts)


def _verdicts(static: Callable[[], Verdict], rest: Callable[[], Iterator[Verdict]]) -> Iterator[Verdict]:
    """The gates, each run when it is asked for: only a body that is in order is looked at further."""
    warm_up()
    yield static()
    yield from rest()


def _check_all(
    spec: Spec,
    body: Body,
    kernel: SourceText,
    target: Target,
    cases: tuple[Sequence[Case], Sequence[Case]],
    limits: Limits,
    how: tuple[Budget | None, bool],
) -> Iterator[Verdict]:
    first, drawn = cases[0], with_more_cases(spec, body, cases[1])
    compiled = representative_bindings(spec, drawn)
    lowered = [*compiled, *further_bindings(spec, (*first, *drawn), compiled)]
    lowering, builds = check_lowering(spec, lowered, kernel, target, limits)
    yield lowering
    yield check_compilation(builds[: len(compiled)], kernel, target)
    yield check_emulation(spec, (*first, *drawn), kernel, limits, budget=how[0])
    yield check_on_device(spec, (*first, *drawn), kernel, target, limits, wanted=how[1])
