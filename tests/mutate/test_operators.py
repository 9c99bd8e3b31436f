"""Each kind of error that is seeded in bodies: a tiny body, and the mutants of it."""

from __future__ import annotations

import ast

import pytest

from tileops_spec.mutate.bodies.operators import OPERATORS
from tileops_spec.mutate.bodies.sites import Names, Sites

NAMES = Names(
    tensors={"A": 2, "B": 2, "C": 2},
    outputs=frozenset({"C"}),
    dims=("M", "N"),
    params=("eps",),
    flags=("causal", "has_b"),
    tunables={"block_M": (64, 128), "block_N": (32,), "fast": (True, False)},
)
FRAGMENT = 's = T.alloc_fragment((4, 8), "float32")\n'
SHARED = "a = T.alloc_shared((4, 8), dtype)\nb = T.alloc_shared((4, 8), dtype)\n"
KERNEL = "with T.Kernel(M, N) as (x, y):\n    "
BARRIERS = "full = T.alloc_barrier(128)\nfree = T.alloc_barrier(64)\n"
LOOP = "for k in T.serial({}):\n    pass\n"

CASES: dict[str, tuple[str, list[str]]] = {
    "dropped clear": ("T.clear(s)\nT.gemm(a, b, s, clear_accum=True)\n", ["pass", "clear_accum=False"]),
    "late clear": ("T.clear(s)\nT.gemm(a, b, s)\n", ["T.gemm(a, b, s)\nT.clear(s)"]),
    "wrong identity": (
        "T.fill(m, -1e30)\nz = T.if_then_else(c, -T.infinity('float32'), 0)\n",
        ["T.fill(m, 0)", "T.if_then_else(c, 0.0, 0)", "-T.infinity('float32'), 1)"],
    ),
    "dropped copy": ("T.copy(A[0, 0], a)\n", ["pass"]),
    "dropped product": ("T.gemm(a, b, s)\n", ["pass"]),
    "dropped reduction": ("T.reduce_sum(s, t, dim=1)\n", ["pass"]),
    "dropped store": (FRAGMENT + "s[0, 0] *= f\n", ["pass"]),
    "repeated statement": ("T.gemm(a, b, s)\n", ["T.gemm(a, b, s)\nT.gemm(a, b, s)"]),
    "swapped statements": ("T.copy(s, a)\nT.clear(s)\n", ["T.clear(s)\nT.copy(s, a)"]),
    "f16 accumulator": (FRAGMENT, ['(4, 8), "float16"']),
    "shrunk buffer": (FRAGMENT, ["(max(1, 4 - 1), 8)", "(4, max(1, 8 - 1))"]),
    "wrong buffer": (SHARED + "T.copy(a, s)\n", ["T.copy(b, s)"]),
    "wrong tensor": ("T.copy(A[0, 0], s)\n", ["T.copy(B[0, 0], s)"]),
    "plain accumulation": ("T.atomic_add(C[0, 0], v)\n", ["C[0, 0] = C[0, 0] + v"]),
    "overwritten sum": ("C[0, 0] += v\n", ["C[0, 0] = v"]),
    "dropped guard": ("if i < M:\n    f()\n", ["if True:", "if False:"]),
    "dropped mask": ("z = T.if_then_else(c, p, q)\n", ["z = (p)", "z = (q)"]),
    "weakened condition": ("z = p and q\n", ["z = (q)", "z = (p)"]),
    "wrong connective": ("z = p and q\n", ["z = (p or q)"]),
    "off-by-one comparison": ("z = i < M\n", ["z = (i <= M)"]),
    "moved comparison": ("z = i < M\n", ["z = i < (M - 1)"]),
    "negated condition": ("z = i == M\n", ["z = (i != M)"]),
    "swapped branches": ("z = T.if_then_else(c, p, q)\n", ["T.if_then_else(c, q, p)"]),
    "off-by-one index": ("z = A[i, j]\n", ["A[i + 1, j]", "A[i, j + 1]"]),
    "shifted region": ("T.copy(A[i : i + 4, 0:8], a)\n", ["A[i + 1 : i + 4 + 1, 0:8]", "A[i : i + 4, 0 + 1 : 8 + 1]"]),
    "swapped indices": ("z = A[i, j]\n", ["A[j, i]"]),
    "wrong batch": ("z = A[i, j]\n", ["A[0, j]"]),
    "wrong stride": ("z = A[i * 4, j]\n", ["A[(i * (4 - 1)), j]"]),
    "wrong transpose": ("T.gemm(a, b, s, transpose_B=True)\n", ["transpose_B=False", "s, transpose_A=True"]),
    "swapped operands": ("T.copy(a, b)\n", ["T.copy(b, a)"]),
    "wrong axis": ("T.reduce_max(s, m, dim=1)\n", ["dim=0"]),
    "aliased block": (KERNEL + "z = x\n", ["z = (x // 2)"]),
    "swapped block indices": (KERNEL + "pass\n", ["as (y, x):"]),
    "skipped last tile": ("n = T.ceildiv(M, 4)\nk = (M + 3) // 4\n", ["n = ((M) // (4))", "k = ((M)) // 4"]),
    "extra tile": (LOOP.format("n"), ["T.serial((n + 1))"]),
    "short loop": (LOOP.format("n"), ["T.serial((n - 1))"]),
    "wrong start": (LOOP.format("n"), ["T.serial(1, n)"]),
    "short parallel": ("for i in T.Parallel(n):\n    pass\n", ["T.Parallel(max(1, n - 1))"]),
    "halved parallel": ("for i in T.Parallel(n):\n    pass\n", ["T.Parallel(max(1, n // 2))"]),
    "wrong grid": ("with T.Kernel(n) as x:\n    pass\n", ["T.Kernel(T.max(n - 1, 1))", "T.Kernel((n + 1))"]),
    "wrong operator": ("z = p + q\n", ["z = ((p) - (q))"]),
    "swapped sides": ("z = p - q\n", ["z = ((q) - (p))"]),
    "wrong function": ("z = T.exp2(p)\n", ["T.exp(p)"]),
    "wrong reduction": ("T.reduce_max(s, m, dim=1)\n", ["T.reduce_min(s, m, dim=1)"]),
    "dropped operand": ("z = T.max(p, q)\n", ["z = (p)", "z = (q)"]),
    "dropped factor": ("z = p * q\n", ["z = (p)", "z = (q)"]),
    "dropped term": ("z = p - q\n", ["z = (p)"]),
    "dropped function": ("z = T.rsqrt(p)\n", ["z = (p)"]),
    "wrong number": ("z = 4\n", ["z = 5"]),
    "slightly wrong number": ("z = 2.0\n", ["z = 2.02"]),
    "dropped cast": ("z = T.cast(p, dtype)\n", ["z = (p)"]),
    "early cast": (FRAGMENT + "s[0, 0] = p\n", ['s[0, 0] = T.cast(T.cast(p, "float16"), "float32")']),
    "narrowed cast": ('z = T.cast(p, "float32")\n', ['T.cast(p, "float16")']),
    "dropped wait": ("T.wait_wgmma(0)\n", ["pass"]),
    "dropped arrival": ("T.mbarrier_arrive(full)\n", ["pass"]),
    "repeated arrival": ("T.mbarrier_arrive(full)\n", ["T.mbarrier_arrive(full)\nT.mbarrier_arrive(full)"]),
    "early arrival": ("T.wait_wgmma(0)\nT.mbarrier_arrive(full)\n", ["T.mbarrier_arrive(full)\nT.wait_wgmma(0)"]),
    "wrong parity": ("T.mbarrier_wait_parity(full, p)\n", ["(full, (p + 1) % 2)"]),
    "constant parity": ("T.mbarrier_wait_parity(full, p)\n", ["(full, 0)"]),
    "weaker wait": ("T.wait_wgmma(0)\n", ["T.wait_wgmma(1)"]),
    "wrong stage": ("T.copy(s, a[k % 2, :])\n", ["a[(k + 1) % 2, :]"]),
    "fixed stage": ("T.copy(s, a[k % 2, :])\n", ["a[0, :]"]),
    "wrong barrier": (BARRIERS + "T.mbarrier_arrive(full)\n", ["T.mbarrier_arrive(free)"]),
    "wrong arrival count": ("full = T.alloc_barrier([128] * 4)\n", ["[64] * 4", "[256] * 4"]),
    "other stages": ("for k in T.Pipelined(n, num_stages=3):\n    pass\n", ["num_stages=0", "num_stages=3 + 1"]),
    "wrong dim": ("z = M\n", ["z = N"]),
    "wrong tunable": ("z = block_M\n", ["z = block_N"]),
    "ignored tunable": ("z = block_M\n", ["z = 64", "z = 128"]),
    "ignored param": ("z = eps\n", ["z = 0.0", "z = 1.0"]),
    "ignored flag": ("z = causal\n", ["z = True", "z = False"]),
}


def test_every_operator_has_a_case_and_a_name_of_its_own() -> None:
    assert len(OPERATORS) >= 25
    assert {operator.name for operator in OPERATORS} == set(CASES)
    assert all(operator.description for operator in OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_operator_finds_its_places(operator) -> None:
    code, expected = CASES[operator.name]
    sites = Sites(code, NAMES)
    mutants = [sites.apply(edit) for edit in operator.find(sites)]
    for wanted in expected:
        assert any(wanted in mutant for mutant in mutants), (wanted, mutants)
    for mutant in mutants:
        assert mutant != code
        ast.parse(mutant)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_operator_leaves_other_code_alone(operator) -> None:
    sites = Sites("pass\n", NAMES)
    assert list(operator.find(sites)) == []


def test_places_count_bytes_not_characters() -> None:
    sites = Sites("é = 'ü'; z = p + q\n", NAMES)
    (mutant,) = (sites.apply(edit) for op in OPERATORS if op.name == "wrong operator" for edit in op.find(sites))
    assert mutant == "é = 'ü'; z = ((p) - (q))\n"
