"""The clauses that would turn a no into a yes: each one does, for every spec and target."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from tileops_spec.analysis.binding import Binding, bind_workload, dtype_options, holds, shape_of
from tileops_spec.analysis.cases import Unsatisfiable, draw_cases
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.hardware import TARGETS, derive_features

FILES = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
_VECTOR = 16


@cache
def _spec(path: Path):
    return load_spec(path, Sink())


def _proposed(path: Path) -> dict[str, set[tuple[str, str]]]:
    """clause → the (target, feature) that it is proposed for."""
    found: dict[str, set[tuple[str, str]]] = {}
    for target in TARGETS.values():
        for feature in derive_features(_spec(path), target):
            if feature.unlock:
                found.setdefault(feature.unlock, set()).add((target.name, feature.name))
    return found


def _with_clause(path: Path, clause: str, folder: Path):
    """The spec as its author would write it with the clause."""
    text = path.read_text(encoding="utf-8")
    if re.search(r"^where:", text, re.M):
        text = re.sub(r"^where: \[", f'where: ["{clause}", ', text, flags=re.M)
        text = re.sub(r"^where:\n", f'where:\n  - "{clause}"\n', text, flags=re.M)
    else:
        text = re.sub(r"^math:", f'where: ["{clause}"]\nmath:', text, flags=re.M)
    assert clause in text
    changed = folder / path.name
    changed.write_text(text, encoding="utf-8")
    sink = Sink()
    spec = load_spec(changed, sink)
    assert spec is not None, [found.message for found in sink.diagnostics]
    return spec


def test_every_clause_gives_what_it_promises(tmp_path: Path) -> None:
    proposals = 0
    for path in FILES:
        for clause, wanted in _proposed(path).items():
            spec = _with_clause(path, clause, tmp_path)
            for target, name in wanted:
                feature = next(each for each in derive_features(spec, TARGETS[target]) if each.name == name)
                assert feature.present, (path.stem, target, name, clause, feature.reason)
                proposals += 1
    assert proposals > 300


@pytest.mark.parametrize("path", random.Random(0).sample(FILES, 40), ids=lambda path: path.stem)
def test_rows_that_are_said_to_be_whole_are_whole(path: Path, tmp_path: Path) -> None:
    """The proof against shapes: with the clause, every row of the tensors that it names is a multiple of 16 bytes."""
    for clause, wanted in _proposed(path).items():
        spec = _with_clause(path, clause, tmp_path)
        if not any(name == "vectorized" for _, name in wanted):
            continue
        for binding in _shapes(spec):
            for tensor in (*spec.inputs, *spec.outputs):
                if len(tensor.shape) >= 2 and _named(spec, tensor.name):
                    width = min(option.bytes for option in dtype_options(spec, tensor.dtype))
                    assert shape_of(tensor, binding)[-1] * width % _VECTOR == 0, (clause, tensor.name)


def _shapes(spec) -> list[Binding]:
    """Workloads that the clause allows, and cases; a param without a default may leave the generator without any."""
    found = [bind_workload(spec, dict(workload.values)) for workload in spec.workloads]
    with suppress(Unsatisfiable):
        found += [case.binding(spec) for case in draw_cases(spec, count=12, seed=0)]
    allowed = [binding for binding in found if not holds(spec, binding)]
    assert allowed, spec.op
    return allowed


def _named(spec, tensor: str) -> bool:
    """Whether the feature's reason counts the tensor among those with whole rows."""
    feature = next(each for each in derive_features(spec, TARGETS["sm_90a"]) if each.name == "vectorized")
    return tensor in feature.reason[feature.reason.rindex("(") + 1 : -1].split(", ")


def product(where: str, left: str = "T[M, K]", right: str = "T[N, K]", more: str = "") -> str:
    return (
        f"dtypes: {{T: f16}}\ninputs: {{A: '{left}', B: '{right}'}}\noutputs: {{C: 'f32[M, N]'}}\n{more}"
        f"where: ['{where}']\nmath: |\n  C[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]))\n"
    )


def _tma(spec):
    return next(each for each in derive_features(spec, TARGETS["sm_90a"]) if each.name == "tma")


@pytest.mark.parametrize(
    ("extent", "where", "unlock"),
    [
        ("K", "K > 0", "K % 8 == 0"),
        ("K // 2", "K > 0", "K % 16 == 0"),
        ("2 * K", "K > 0", "K % 4 == 0"),
        ("H * K", "K > 0", "K % 8 == 0"),
        ("H + K", "K > 0", "H % 8 == 0 and K % 8 == 0"),
        ("K", "K <= 7", None),
        ("K", "K % 2 == 1", None),
    ],
)
def test_the_plainest_clause(spec_of, extent: str, where: str, unlock: str | None) -> None:
    text = (
        f"inputs: {{x: 'f16[M, {extent}]', h: 'f32[H]', k: 'f32[K]'}}\noutputs: {{y: 'f32[M]'}}\nwhere: ['{where}']\n"
        "math: |\n  y[m] = sum[e](f32(x[m, e])) + h[0] + k[0]\n"
    )
    assert _tma(spec_of(text)).unlock == unlock


def test_the_proof_names_rows_and_bytes(spec_of) -> None:
    found = _tma(spec_of(product("K > 0")))
    assert found.proof == "K % 8 == 0 ⇒ rows of A, B (K × 2 bytes) are whole multiples of 16 bytes"


def test_clauses_that_keep_workloads_come_first_and_those_refused_are_named(spec_of) -> None:
    text = "inputs: {x: 'f16[M, H * K]'}\noutputs: {y: 'f32[M]'}\nmath: |\n  y[m] = sum[e](f32(x[m, e]))\nworkloads:\n"
    first = spec_of(text + "  - {name: a, M: 1, H: 16, K: 3}\n")
    assert (_tma(first).unlock, _tma(first).refused) == ("H % 8 == 0", ())
    second = spec_of(text + "  - {name: a, M: 1, H: 16, K: 3}\n  - {name: b, M: 1, H: 3, K: 3}\n")
    assert (_tma(second).unlock, _tma(second).refused) == ("H % 8 == 0", ("b",))
