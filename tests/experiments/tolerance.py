"""False alarms and missed mistakes of the derived tolerance and of fixed ones, over every op that reduces.

`python -m tests.experiments.tolerance [OP …] [--trials 1000] [--jobs 2] [--write]` runs the trials (under half an hour
for all ops on two cores); `--write` renews docs/measurements/tolerance.md.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.spec import Spec

from .faults import accumulates
from .tables import document, one_line
from .trials import Outcome, experiment

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measurements" / "tolerance.md"


def load(name: str) -> Spec:
    sink = Sink()
    spec = load_spec(ROOT / "specs" / f"{name}.yaml", sink)
    if spec is None:
        raise SystemExit(f"{name} does not load: {sink.errors[0].message}")
    return spec


def run(name: str, trials: int) -> Outcome:
    import torch

    torch.set_num_threads(1)
    return experiment(load(name), trials=trials)


def reducing_ops() -> list[str]:
    names = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
    return [name for name in names if accumulates(load(name))]


def outcomes(names: list[str], trials: int, jobs: int, kept: Path | None) -> Iterator[Outcome]:
    """The outcome of each op, from `kept` where it is there."""
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(known, trials=trials, kept=kept), names)


def known(name: str, trials: int, kept: Path | None) -> Outcome:
    path = kept / f"{name}.pickle" if kept else None
    if path is not None and path.exists():
        return pickle.loads(path.read_bytes())
    outcome = run(name, trials)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(outcome))
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ops", nargs="*", help="names of specs; without any, every op that reduces")
    parser.add_argument("--trials", type=int, default=1000, help="correct computations for each op")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for finished ops, so that a run can go on or do some anew")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    found, corpus = [], reducing_ops()
    for outcome in outcomes(options.ops or corpus, options.trials, options.jobs, options.keep):
        found.append(outcome)
        print(one_line(outcome), file=sys.stderr, flush=True)
    page = document(found, len(corpus))
    if options.write:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
