"""All mutants of some specs, judged in worker processes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from ...check import load_spec
from ...deliver.lint import lint_spec
from ...diagnostics.diagnostic import Sink
from ..sample import sample
from .judge import CRASH, Judgement, judge
from .mathematics import KINDS
from .signature import signature_mutants
from .sites import Mutant, read_sites

_CHUNK = 4
_Task = tuple[Path, Mutant]


def mutants_of(path: Path, *, limit: int | None = None, seed: int = 0) -> list[Mutant]:
    """The distinct mutants of one spec file that loads; at most `limit`, drawn so that every kind keeps its share."""
    sink = Sink()
    spec = lint_spec(path, sink)
    if spec is None or sink.diagnostics:
        raise ValueError(f"{path} has findings of its own: see `tospec lint`")
    sites = read_sites(path)
    found: dict[str, Mutant] = {}
    for mutant in (*(each for kind in KINDS for each in kind(sites)), *signature_mutants(sites, spec)):
        if mutant.text != sites.source.text:
            found.setdefault(mutant.text, mutant)
    mutants = list(found.values())
    return mutants if limit is None else list(sample(mutants, limit, random.Random(f"{spec.op}:{seed}")))


def mutate_specs(
    paths: Iterable[Path],
    *,
    limit: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    watch: Callable[[Judgement], None] = lambda judgement: None,
) -> list[Judgement]:
    """The judgements of all specs, in order; `watch` sees each as it comes."""
    tasks = [(path, mutant) for path in paths for mutant in mutants_of(path, limit=limit, seed=seed)]
    found = []
    for judgement in _judgements(tasks, jobs):
        watch(judgement)
        found.append(judgement)
    return found


def _judgements(tasks: list[_Task], jobs: int) -> Iterator[Judgement]:
    """The judgements in order. A task that ends its process (torch crashes on some arguments) is caught by that."""
    done = 0
    while done < len(tasks):
        try:
            with _pool(jobs) as pool:
                for judgement in pool.map(_judge, tasks[done:], chunksize=_CHUNK):
                    yield judgement
                    done += 1
        except BrokenProcessPool:
            under_way = tasks[done : done + _CHUNK * jobs]
            yield from map(_judge_alone, under_way)
            done += len(under_way)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("forkserver"))


def _judge_alone(task: _Task) -> Judgement:
    try:
        with _pool(1) as pool:
            return pool.submit(_judge, task).result()
    except BrokenProcessPool:
        return Judgement(op=task[0].stem, mutant=task[1], status="caught", by=CRASH)


def _judge(task: _Task) -> Judgement:
    import torch

    torch.set_num_threads(1)
    path, mutant = task
    spec = load_spec(path, Sink())
    assert spec is not None
    try:
        return judge(spec, mutant)
    except Exception as error:  # a bug of tospec, which the report shows beside what survives
        return Judgement(op=spec.op, mutant=mutant, status="survived", by=f"internal error: {error}")
