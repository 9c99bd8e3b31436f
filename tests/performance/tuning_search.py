"""Does the shortlist of `tospec tune` hold the best configuration? Every candidate is timed, on a GPU, to find out.

`python tests/performance/tuning_search.py --output found.json` takes gemm, rms_norm and gqa_fwd, three workloads each,
and layer_norm, which nobody looked at when the model was made.

For each workload every kernel that the candidates come to is compiled, in one pool of processes for all of them,
and timed, one at a time, with a cold L2; the fastest few and the shortlist's are then timed once more side by side,
the fastest of all twice, which shows what a difference between two kernels means.
What does not compile, or gives another result than the default, is no candidate. `--minutes` bounds the whole run:
what has not been timed by then is counted, and a search that is not whole gives no answer. `--op`, `--workload` and
`--limit` (of kernels a workload, for a trial) make it shorter.

Without a GPU it says so and ends with 4; `--select` stops before anything needs one and prints what would be compiled.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, TimeoutError, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
WORKLOADS = {
    "gemm": ("llama3-8b-qkv", "llama3-8b-down", "llama3-8b-qkv-512"),
    "rms_norm": ("llama3-8b", "llama3-70b", "qwen3-head"),
    "gqa_fwd": ("llama3-8b-prefill-2k", "llama3-8b-prefill-8k", "encoder-2k"),
    "layer_norm": ("gpt2-xl", "bert-large", "opt-66b"),
}
FINALISTS, ROUNDS = 6, 200
EXIT_MISSED, EXIT_NO_DEVICE = 1, 4
_TWIN = "the first once more"
_SAME = 0.01
"""Medians that differ by less are the same: two runs of one kernel differ as much."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one workload. `behind` is how much longer the shortlist's best takes than the best of all, as a share.

    `whole`: every kernel was timed, or found not to run. `kept`: the shortlist holds the best, or one as fast.
    `noise`: the share by which two measurements of the best differ. `times`: medians in milliseconds, fastest first.
    """

    op: str
    workload: str
    candidates: int
    kernels: int
    shortlisted: int
    timed: int
    whole: bool
    best: str | None
    best_ms: float | None
    shortlist_best: str | None
    shortlist_ms: float | None
    behind: float | None
    noise: float | None = None
    times: Mapping[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        return self.behind is not None and self.behind <= _SAME

    @property
    def few(self) -> bool:
        """At most a tenth of the candidates."""
        return self.shortlisted * 10 <= self.candidates


def answer(
    op: str, workload: str, counts: Mapping[str, int], times: Mapping[str, float], short: Sequence[str]
) -> Answer:
    """The answer from medians in milliseconds by configuration; `counts`: candidates, kernels, failed (not to be
    timed). A configuration of the shortlist that has no time does not run."""
    best = min(times, key=lambda name: times[name], default=None)
    mine = min((name for name in short if name in times), key=lambda name: times[name], default=None)
    both = best is not None and mine is not None
    return Answer(
        op=op,
        workload=workload,
        candidates=counts["candidates"],
        kernels=counts["kernels"],
        shortlisted=len(short),
        timed=len(times),
        whole=len(times) + counts["failed"] == counts["kernels"],
        best=best,
        best_ms=times.get(best) if best else None,
        shortlist_best=mine,
        shortlist_ms=times.get(mine) if mine else None,
        behind=times[mine] / times[best] - 1 if both else None,
    )


def lines(answers: Iterable[Answer]) -> list[str]:
    """A line a workload, and the verdict over those that were searched whole."""
    found, whole = [], []
    for each in answers:
        behind = "nothing timed" if each.behind is None else f"{each.behind:+.1%}"
        state = "kept" if each.kept else "missed"
        state += "" if each.whole else f", {each.kernels} kernels not all timed"
        shown = f"{each.shortlisted} of {each.candidates} candidates"
        noise = "" if each.noise is None else f" (measured twice, it differs by {each.noise:.1%})"
        found.append(f"{each.op} {each.workload}: {state}; {shown}; {behind} behind the best, {each.best}{noise}")
        whole += [each] if each.whole else []
    kept = sum(each.kept and each.few for each in whole)
    return [*found, f"{kept} of {len(whole)} workloads searched whole keep the best with a tenth of the candidates"]


# searching


def compile_one(kernel: str, op: str, arguments: Mapping[str, Any]) -> str | None:
    """Build a kernel for the GPU into TileLang's cache, in a process of the pool; what went wrong, or None."""
    from tileops_spec.gates.tasks import load_factory
    from tileops_spec.scaffold.naming import kernel_class

    try:
        import torch

        made = load_factory(kernel, kernel_class(op))(**arguments)
        made.compiled(torch.cuda.get_device_capability())
    except Exception as error:
        return f"{type(error).__name__}: {str(error).strip()[:200]}"
    return None


def compile_all(
    tuning: Any, plan: Any, pool: ProcessPoolExecutor, limit: int | None, end: float
) -> dict[str, str | None]:
    """By configuration as text: None where the kernel compiles, else why not; those that were not reached are left
    out. The shortlist comes first."""
    from tileops_spec.gates.candidate import factory_arguments
    from tileops_spec.scaffold.naming import safe_name
    from tileops_spec.tune.space import show

    fixed = factory_arguments(tuning.spec, plan.binding)
    waiting = {}
    for each in selected(plan, limit):
        options = {safe_name(name): value for name, value in each.configuration.items()}
        job = pool.submit(compile_one, str(tuning.request.kernel), tuning.spec.op, {**fixed, **options})
        waiting[job] = show(each.configuration)
    found = {}
    try:
        for job in as_completed(waiting, timeout=max(1.0, end - time.monotonic())):
            found[waiting[job]] = job.result()
    except TimeoutError:
        for job in waiting:
            job.cancel()
    return found


def selected(plan: Any, limit: int | None) -> list[Any]:
    """Every kernel of a plan, the shortlist's first."""
    chosen = list(plan.shortlist.chosen)
    rest = [each for each in plan.shortlist.kernels if each not in chosen]
    return [*chosen, *rest][:limit]


def search(tuning: Any, plan: Any, pool: ProcessPoolExecutor, options: argparse.Namespace, end: float) -> Answer:
    """Compile and time every kernel of one plan."""
    from tileops_spec.bench.timing import CudaStopwatch
    from tileops_spec.deliver.tuning.timed import kernel_inputs, kernel_maker
    from tileops_spec.tune.space import default_of, show

    built = compile_all(tuning, plan, pool, options.limit, end)
    runs = {show(each.configuration): each.configuration for each in selected(plan, options.limit)}
    short = [show(each.configuration) for each in plan.shortlist.chosen]
    inputs = kernel_inputs(tuning, plan, "cuda")
    make, stopwatch = kernel_maker(tuning, plan), CudaStopwatch()
    expected = make(default_of(tuning.request.tunables))(*inputs[0])
    good = {name: runs[name] for name, why in built.items() if why is None}
    times, failed = time_each(good, make, inputs, expected, stopwatch, end)
    failed |= {name: why for name, why in built.items() if why is not None}
    last = {name: make(runs[name]) for name in finalists(times, short)}
    again = measured_again(last, inputs, stopwatch) if last else {}
    twin = again.pop(_TWIN, None)
    noise = abs(twin / again[next(iter(last))] - 1) if twin else None
    times = settled(times, again)
    for name, why in failed.items():
        print(f"  {name}: {why}", file=sys.stderr)
    counts = {"candidates": plan.shortlist.candidates, "kernels": len(plan.shortlist.kernels), "failed": len(failed)}
    found = answer(tuning.spec.op, plan.workload.name, counts, times, short)
    return replace(found, noise=noise, times=dict(sorted(times.items(), key=lambda each: each[1])))


def measured_again(last: Mapping[str, Any], inputs: list, stopwatch: Any) -> dict[str, float]:
    """Medians of the finalists side by side, and of the first once more."""
    from tileops_spec.bench.timing import time_variants

    both = {**last, _TWIN: next(iter(last.values()))}
    timings = time_variants(both, inputs, rounds=ROUNDS, stopwatch=stopwatch)
    return {name: timing.median for name, timing in timings.items()}


def time_each(
    runs: Mapping[str, Any], make: Any, inputs: list, expected: Any, stopwatch: Any, end: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Medians of those that agree with the default, and what is wrong with the others; none after the end."""
    from tileops_spec.bench.agreement import check_agreement
    from tileops_spec.bench.timing import time_variants

    times: dict[str, float] = {}
    failed: dict[str, str] = {}
    for name, configuration in runs.items():
        if time.monotonic() > end:
            break
        try:
            run = make(configuration)
            check_agreement(run(*inputs[0]), expected, f"{name} and the default")
            times[name] = time_variants({name: run}, inputs, rounds=12, warmup=2, stopwatch=stopwatch)[name].median
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {str(error).strip()[:200]}"
    return times, failed


def finalists(times: Mapping[str, float], short: Sequence[str]) -> list[str]:
    """The fastest of all and the fastest of the shortlist, by their first medians."""
    ordered = sorted(times, key=lambda name: times[name])
    mine = [name for name in ordered if name in short][: FINALISTS // 2]
    return list(dict.fromkeys((*ordered[:FINALISTS], *mine)))


def settled(times: Mapping[str, float], again: Mapping[str, float]) -> dict[str, float]:
    """All medians, those of the second measurement where there is one: who was not in it is no faster than who was."""
    slowest = max(again.values(), default=0.0)
    return {name: again.get(name, max(first, slowest)) for name, first in times.items()}


def plans(op: str, workloads: Sequence[str]) -> Any:
    from tileops_spec.deliver.tuning.planned import TuneOptions, plan_spec
    from tileops_spec.diagnostics.diagnostic import Sink

    sink = Sink()
    tuning = plan_spec(ROOT / "specs" / f"{op}.yaml", TuneOptions(workloads=tuple(workloads)), sink)
    if tuning is None:
        raise SystemExit("; ".join(each.message for each in sink.diagnostics))
    return tuning


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--op", action="append", choices=sorted(WORKLOADS), help="only this op; repeatable")
    parser.add_argument("--workload", action="append", help="only this workload; repeatable")
    parser.add_argument("--limit", type=int, help="kernels a workload, the shortlist's first; no answer is whole then")
    parser.add_argument("--minutes", type=float, default=9.0, help="time nothing more after that long (default: 9)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compile")
    parser.add_argument("--output", type=Path, help="write the answers there, as JSON")
    parser.add_argument("--select", action="store_true", help="print what would be compiled, and stop; needs no GPU")
    return parser.parse_args(argv)


def wanted(options: argparse.Namespace) -> dict[str, list[str]]:
    """Workloads by op."""
    chosen = {op: WORKLOADS[op] for op in options.op or WORKLOADS}
    found = {
        op: [name for name in names if not options.workload or name in options.workload] for op, names in chosen.items()
    }
    return {op: names for op, names in found.items() if names}


def main(argv: Sequence[str] | None = None) -> int:
    options = parse(argv)
    if not options.select and not has_gpu():
        print(
            "the search times kernels, and torch sees no GPU here; --select shows what it would compile",
            file=sys.stderr,
        )
        return EXIT_NO_DEVICE
    end = time.monotonic() + options.minutes * 60
    answers: list[Answer] = []
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for op, names in wanted(options).items():
            tuning = plans(op, names)
            for plan in tuning.plans:
                if options.select:
                    count = len(selected(plan, options.limit))
                    print(f"{op} {plan.workload.name}: {count} kernels of {plan.shortlist.candidates} candidates")
                    continue
                answers.append(search(tuning, plan, pool, options, end))
                print(lines(answers[-1:])[0], flush=True)
                write(options.output, answers)
        pool.shutdown(cancel_futures=True)
    if options.select:
        return 0
    print(lines(answers)[-1])
    return 0 if answers and all(each.whole and each.kept and each.few for each in answers) else EXIT_MISSED


def write(path: Path | None, answers: Sequence[Answer]) -> None:
    if path is not None:
        data = [{**asdict(each), "kept": each.kept, "few": each.few} for each in answers]
        path.write_text(json.dumps({"version": 1, "answers": data}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
