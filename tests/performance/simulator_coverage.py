"""How many of TileLang's own examples the simulator runs, and whether their results agree with torch.

`PYTHONPATH=. python tests/performance/simulator_coverage.py EXAMPLES [TEXT…]`, where EXAMPLES is the folder `examples`
of a TileLang checkout, and a TEXT selects the cases whose file, function or label contains it. Each case runs in a
child of its own, and ends after a minute. The table goes to standard output; a run stands in
docs/measurements/simulator.md.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from upstream.cases import CASES, Case
from upstream.runner import Outcome, run_case

LIMIT_SECONDS = 60


def main(examples: Path, words: list[str]) -> None:
    os.environ.setdefault("TILELANG_ENABLE_IR_SPAN", "1")
    import tilelang  # noqa: F401  before the fork: each child has it at once
    import torch  # noqa: F401
    from upstream import attention, decode, gemm, linear, others, packed, sparse  # noqa: F401  they register cases

    chosen = [c for c in CASES if not words or any(w in f"{c.file} {c.function} {c.label}" for w in words)]
    print("| example | kernel | verdict | s | |\n|---|---|---|---|---|")
    verdicts: list[str] = []
    for case in chosen:
        outcome = isolated(case, examples)
        verdicts.append(outcome.verdict)
        kernel = f"{case.function} {case.label}".strip()
        text = outcome.detail if outcome.verdict == "agrees" or not case.note else f"{case.note}. {outcome.detail}"
        detail = text.replace("\n", " ").replace("|", "/")[:300]
        print(f"| {case.file} | {kernel} | {outcome.verdict} | {outcome.seconds:.1f} | {detail} |", flush=True)
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
    print(f"\n{len(verdicts)} runs of {len({c.file for c in chosen})} examples: {counts}")


def isolated(case: Case, examples: Path) -> Outcome:
    """The outcome of a case in a child process, which is killed at the limit."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _serve(case, examples, writer)
    os.close(writer)
    started = time.perf_counter()
    killed = False
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if not killed and time.perf_counter() - started > LIMIT_SECONDS:
            os.kill(child, signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if not text:
        return Outcome("error", "killed at the limit" if killed else "crashed", time.perf_counter() - started)
    verdict, seconds, detail = text.split("\t", 2)
    return Outcome(verdict, detail, float(seconds))


def _serve(case: Case, examples: Path, writer: int) -> None:
    """The child: what the example prints goes nowhere."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    if "COVERAGE_SHOW" not in os.environ:
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    outcome = run_case(case, examples)
    os.write(writer, f"{outcome.verdict}\t{outcome.seconds}\t{outcome.detail[:2000]}".encode())
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
