"""Proofs of index ranges against trying every value: what is proved is never broken, and a witness breaks what it says.

The obligations are made of random expressions over dims, params, index variables and elements of tensors of which the
spec makes promises; small shapes, with some data each, are tried exhaustively.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from tileops_spec.check import load_spec
from tileops_spec.check.proofs import check_ranges
from tileops_spec.check.proofs.atoms import Element
from tileops_spec.check.proofs.obligations import Obligation
from tileops_spec.check.proofs.questions import Question, Questions
from tileops_spec.check.proofs.search import search
from tileops_spec.check.proofs.solve import Outcome, Solver
from tileops_spec.check.proofs.witness import evaluated
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir import nodes as ir
from tileops_spec.ir.scalars import Scalar, ScalarError, scalar_value
from tileops_spec.ir.spec import Spec
from tileops_spec.ir.walk import map_children, walk

SPEC = """\
op: probe
summary: A probe.
inputs: {{x: 'f32[M, N]', len: 'i32[M]', cu: 'i32[M + 1]', small: 'u8[N]'}}
params: {{p: i32 = 1, q: i32 = 1}}
outputs: {{y: 'f32[M, N]'}}
where:
  - all[b](0 <= len[b] <= N)
  - nondecreasing(cu)
  - cu[0] == 0
  - cu[M] == N
{clauses}math: |
  y[m, n] = x[m, n]
"""
CLAUSES = (
    *("N % M == 0", "N % 2 == 0", "M % p == 0", "p >= 1", "q >= 0"),
    *("N >= M", "N >= p", "q < p", "N == 2 * M", "M <= 3 or p == 2"),
)
DIMS, PARAMS = range(1, 5), range(-1, 3)
OBLIGATIONS = 8
WITH_SOLVER = 4
"""z3 is asked in every so manieth round."""


def number(value: int) -> ir.Number:
    return ir.Number(value=value, dtype="i64")


def index(name: str) -> ir.IndexRef:
    return ir.IndexRef(name=name, dtype="i64")


def binary(op: str, left: ir.Expr, right: ir.Expr, dtype: str = "i64") -> ir.Binary:
    return ir.Binary(op=op, left=left, right=right, dtype=dtype)


def element(tensor: str, place: ir.Expr, dtype: str = "i32") -> ir.Access:
    return ir.Access(tensor=tensor, indices=(place,), dtype=dtype)


M, N = (ir.DimRef(name=name, dtype="i64") for name in "MN")
AXES = (ir.Axis(name="m", extent=M), ir.Axis(name="n", extent=N))
LEAVES = (
    *(index(name) for name in "mnmn"),
    *(M, N),
    *(ir.ParamRef(name=name, dtype="i32") for name in "pq"),
    *map(number, range(4)),
    element("len", index("m")),
    element("cu", index("m")),
    element("cu", binary("+", index("m"), number(1))),
    element("small", index("n"), "u8"),
    ir.Lookup(tensor="cu", value=index("n"), dtype="i64"),
)
ARITHMETIC = ("+", "-", "*", "//", "%", "+", "-", "min", "max", "where", ">>", "&", "xor")


class Maker:
    """Random integer expressions, conditions and obligations."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def value(self, depth: int) -> ir.Expr:
        if depth == 0 or self.rng.random() < 0.15:
            return self.rng.choice(LEAVES)
        op = self.rng.choice(ARITHMETIC)
        left, right = self.value(depth - 1), self.value(depth - 1)
        if op == "where":
            return ir.Select(condition=self.condition(), then=left, otherwise=right, dtype="i64")
        if op in ("min", "max"):
            return ir.Call(function=op, args=(left, right), dtype="i64")
        if op == "xor":
            return ir.Call(function=op, args=(left, number(self.rng.choice((1, 2)))), dtype="i64")
        return binary(op, left, number(self.rng.choice((1, 3))) if op in (">>", "&") else right)

    def condition(self) -> ir.Expr:
        op = self.rng.choice(("<", "<=", ">=", "==", "!=", "and", "or", "not"))
        if op == "not":
            return ir.Unary(op="not", operand=self.condition(), dtype="bool")
        if op in ("and", "or"):
            return binary(op, self.condition(), self.condition(), "bool")
        return binary(op, self.value(1), self.value(1), "bool")

    def obligation(self) -> Obligation:
        is_divisor = self.rng.random() < 0.15
        value = self.tamed(self.value(self.rng.choice((1, 2, 2, 3))))
        return Obligation(
            kind="divisor" if is_divisor else "index",
            value=value,
            low=None if is_divisor else number(0),
            high=None if is_divisor else self.rng.choice((M, N, N, self.value(1))),
            axes=AXES,
            guards=tuple(self.condition() for _ in range(self.rng.choice((0, 0, 1, 2)))),
            span=value.span,
            what="it",
        )

    def tamed(self, value: ir.Expr) -> ir.Expr:
        """Often something that stays in range, or nearly."""
        limit = self.rng.choice((M, N, self.value(1)))
        match self.rng.randint(0, 5):
            case 0:
                return binary("%", value, limit)
            case 1:
                return binary("//", value, self.rng.choice(LEAVES))
            case 2:
                return ir.Call(function="clamp", args=(value, number(0), binary("-", limit, number(1))), dtype="i64")
        return value


class Point:
    """One shape with params, data and a place: evaluates expressions there."""

    def __init__(
        self, dims: dict[str, int], params: dict[str, int], indices: dict[str, int], data: Mapping[str, Mapping]
    ) -> None:
        self.dims, self.params, self.indices, self.data = dims, params, indices, data

    def __call__(self, expr: ir.Expr) -> Scalar:
        return scalar_value(self.plain(expr), self.dims, self.params, self.indices)

    def plain(self, expr: ir.Expr) -> ir.Expr:
        """The expression with numbers in place of what it reads."""
        if isinstance(expr, ir.Access):
            return number(self.data[expr.tensor][self(expr.indices[0])])
        if isinstance(expr, ir.Lookup):
            at, boundaries = self(expr.value), self.data[expr.tensor]
            return number(max((place for place, begin in boundaries.items() if begin <= at), default=-1))
        return map_children(expr, self.plain)

    def breaks(self, obligation: Obligation) -> bool:
        """Whether it fails here; where it has no value, by a division by 0, another obligation does."""
        try:
            if not all(self(guard) for guard in obligation.guards):
                return False
            value = self(obligation.value)
            return value == 0 if obligation.high is None else not 0 <= value < self(obligation.high)
        except ScalarError:
            return False


def points(spec: Spec, rng: random.Random) -> Iterator[Point]:
    """Every place of every small shape that the clauses allow."""
    for m, n, p, q in product(DIMS, DIMS, PARAMS, PARAMS):
        dims, params = {"M": m, "N": n}, {"p": p, "q": q}
        if all(_holds(clause, dims, params) for clause in spec.where):
            boundaries = [0, *sorted(rng.randint(0, n) for _ in range(m - 1)), n]
            data = {
                "len": {at: rng.randint(0, n) for at in range(m)},
                "cu": dict(enumerate(boundaries)),
                "small": {at: rng.choice((0, 1, n, 255)) for at in range(n)},
            }
            for i, j in product(range(m), range(n)):
                yield Point(dims, params, {"m": i, "n": j}, data)


def _holds(clause: ir.Expr, dims: dict[str, int], params: dict[str, int]) -> bool:
    try:
        return bool(scalar_value(clause, dims, params))
    except ScalarError:
        return False


def check_random(seed: int, write_spec) -> Counter:
    """Verdicts on random obligations under random clauses; each is held to every point."""
    maker, verdicts = Maker(seed), Counter()
    clauses = maker.rng.sample(CLAUSES, maker.rng.randint(0, 3))
    spec = load_spec(write_spec(SPEC.format(clauses="".join(f"  - {clause}\n" for clause in clauses))), Sink())
    assert spec is not None
    questions, places = Questions(spec), list(points(spec, maker.rng))
    for _ in range(OBLIGATIONS):
        obligation = maker.obligation()
        question, told = questions.of(obligation), (seed, clauses, obligation)
        quick = questions.quickly(question)
        outcome = _asked(question, questions) if seed % WITH_SOLVER == 0 else Outcome("open")
        broken = next((point for point in places if point.breaks(obligation)), None)
        if quick or outcome.status == "proved":
            assert broken is None, (told, broken and vars(broken))
        if outcome.status == "refuted":
            assert not quick, told
            if not outcome.vague:
                check_witness(question, questions, outcome, told)
        check_search(obligation, spec, told)
        verdicts["quick" if quick else outcome.status, "holds" if broken is None else "broken"] += 1
    return verdicts


def _asked(question: Question, questions: Questions) -> Outcome:
    solver = Solver(questions)
    return Outcome("proved") if solver.proves(question) else solver.refutes(question, {})


def check_witness(question: Question, questions: Questions, outcome: Outcome, told: tuple) -> None:
    """The values that z3 gives satisfy the clauses and break the obligation, where they are enough to evaluate it."""
    terms, values, spec = questions.terms, outcome.values or {}, questions.spec
    named = {name: evaluated(poly, values) for name, poly in terms.values.items() if poly.atoms <= values.keys()}
    indices = {name: evaluated(poly, values) for name, poly in question.scope.items() if poly.atoms <= values.keys()}
    for clause in spec.where:
        if all(node.name in named for node in walk(clause) if isinstance(node, ir.DimRef | ir.ParamRef)):
            assert _holds(clause, named, named), (told, named)
    data: dict[str, dict[int, int]] = {"len": {}, "cu": {}, "small": {}}
    for atom, value in values.items():
        meaning = terms.meanings[atom]
        if isinstance(meaning, Element):
            data[meaning.tensor][evaluated(meaning.indices[0], values)] = value
    obligation = question.obligation
    parts = (obligation.value, *(() if obligation.high is None else (obligation.high,)), *obligation.guards)
    if any(isinstance(node, ir.Lookup) for part in parts for node in walk(part)):
        return  # the model has some of the boundaries, not all
    point = Point(named, named, indices, data)
    try:
        for part in parts:
            point(part)
    except (ScalarError, KeyError):
        return
    assert point.breaks(obligation), (told, named, indices, data)


def check_search(obligation: Obligation, spec: Spec, told: tuple) -> None:
    """What the search of small shapes finds, breaks the obligation."""
    witness, whole = search(obligation, spec)
    if witness is not None and whole:
        values = {name: int(value) for name, value in witness.named.items()}
        values = {**dict.fromkeys("MNpq", 1), **dict.fromkeys("mn", 0), **values}
        assert Point(values, values, values, {}).breaks(obligation), (told, values)


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_against_every_small_shape(seed: int, write_spec) -> None:
    check_random(seed, write_spec)


def test_the_rounds_are_not_empty(write_spec) -> None:
    verdicts = sum((check_random(seed, write_spec) for seed in (100, 101)), Counter())
    assert {"quick", "refuted"} <= {status for status, _ in verdicts}
    assert {"holds", "broken"} <= {truth for _, truth in verdicts}


WRONG = """\
op: probe
summary: A probe.
inputs: {q: 'f32[T, H]', k: 'f32[U, G]', cu: 'i32[B + 1]', slot: 'i32[T]'}
params: {stride: i32 = 2}
outputs: {y: 'f32[T, H]'}
math: |
  b[t < T] = segment(cu, t)
  y[t, h] = q[t, h] * k[slot[t] // stride, h // (H // G)] + f32(cu[b[t] + 1])
"""


SHOW = """
import sys
from pathlib import Path
from tileops_spec.check import load_spec
from tileops_spec.check.proofs import check_ranges
from tileops_spec.diagnostics.diagnostic import Sink
for path in sys.argv[1:]:
    sink = Sink()
    check_ranges(load_spec(Path(path), sink), sink)
for found in sink.sorted():
    print(found.code, found.message, found.help, [label.span.start for label in found.labels])
"""


def test_findings_do_not_depend_on_the_run(write_spec) -> None:
    """Not on the seed of hashes, nor on the specs that were looked at before."""
    path = str(write_spec(WRONG))
    other = str(write_spec(WRONG.replace("op: probe", "op: other").replace("stride", "step"), "other"))
    runs = [
        subprocess.run([sys.executable, "-c", SHOW, *paths], capture_output=True, text=True, check=True, env=env).stdout
        for env, paths in (({"PYTHONHASHSEED": "1"}, [path]), ({"PYTHONHASHSEED": "2"}, [other, path]))
    ]
    assert runs[0] == runs[1]
    assert runs[0].count("TS125") == 3


def test_z3_is_not_loaded_for_specs_in_order(root) -> None:
    code = f"""if True:
        import sys
        from pathlib import Path
        from tileops_spec.deliver.lint import lint_spec
        from tileops_spec.diagnostics.diagnostic import Sink
        for op in ("gemm", "rms_norm", "gqa_fwd"):
            assert lint_spec(Path({str(root)!r}, "specs", op + ".yaml"), Sink())
        assert "z3" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_optional_index_may_be_absent(write_spec) -> None:
    """Assumptions hold of what is given; an input that is left out has its default everywhere."""
    text = """\
op: probe
summary: A probe.
inputs: {x: 'f32[N]', at: 'i32[N] = 0'}
outputs: {y: 'f32[N]'}
where: ['all[n](1 <= at[n] < N)']
math: |
  y[n] = x[at[n] - 1]
"""
    sink = Sink()
    for guarded in (text, text.replace("x[at[n] - 1]", "where(present(at), x[at[n] - 1], 0)")):
        spec = load_spec(write_spec(guarded), sink)
        assert spec is not None
        check_ranges(spec, sink)
    (found,) = sink.diagnostics
    assert "reaches -1" in found.message


def test_time_is_bounded(write_spec) -> None:
    """However many questions z3 cannot answer, some attempts on them are all that is made."""
    products = " + ".join(f"x[(a * a + {n}) * b - b * b * a - {n} * a]" for n in range(12))
    text = f"""\
op: probe
summary: A probe.
inputs: {{x: 'f32[N]'}}
params: {{a: i32 = 1, b: i32 = 1}}
outputs: {{y: 'f32[N]'}}
where: [a * a * b >= 7 * a, N >= a * b * b, a * N >= b * a * a, b >= 3, a >= 5]
math: |
  y[n] = {products}
"""
    sink = Sink()
    spec = load_spec(write_spec(text), sink)
    assert spec is not None
    check_ranges(spec, sink)
    assert len(sink.diagnostics) >= 10
    assert {found.code for found in sink.diagnostics} <= {"TS125", "TS126"}
