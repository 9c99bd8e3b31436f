"""Cases that take the branches, and the rounds of loops, which the drawn cases leave out."""

from __future__ import annotations

import math

import pytest

from tileops_spec.analysis.cases import draw_cases
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.branches import branch_cases
from tileops_spec.scaffold.body import Body


@pytest.fixture(scope="module")
def spec(root):
    return load_spec(root / "specs" / "gemm.yaml", Sink())


@pytest.fixture(scope="module")
def drawn(spec):
    return draw_cases(spec, count=12, seed=1, static_shapes=3)


def _dims(spec, drawn, code: str, tunables=()) -> list[dict]:
    return [dict(case.dims) for case in branch_cases(spec, Body(code, tunables), drawn)]


def test_a_body_without_conditions_needs_no_more(spec, drawn) -> None:
    assert _dims(spec, drawn, "x = K + N\n") == []


def test_both_sides_of_a_bound_are_met(spec, drawn) -> None:
    largest = max(dict(case.dims)["N"] for case in drawn)
    (dims,) = _dims(spec, drawn, f"width = 64 if N <= {largest + 500} else 128\n")
    assert dims["N"] > largest + 500
    assert dims["N"] % 8 == 0


def test_a_multiple_is_met(spec, drawn) -> None:
    (dims,) = _dims(spec, drawn, "tile = 1000\nif N % tile == 0:\n    pass\n")
    assert dims["N"] % 1000 == 0


def test_a_condition_behind_names_and_tunables_is_met(spec, drawn) -> None:
    code = "tiles = (K + wide - 1) // wide\nif tiles > 2 and K > 8:\n    pass\n"
    found = _dims(spec, drawn, code, (("wide", (512, 8)),))
    assert any(math.ceil(dims["K"] / 512) > 2 for dims in found)


def test_a_fixed_grid_gets_several_rounds(spec, drawn) -> None:
    code = (
        "with T.Kernel(100) as b:\n    mine = T.ceildiv(T.ceildiv(M, 64) - b, 100)\n"
        "    for w in T.serial(mine):\n        pass\n"
    )
    rounds = {math.ceil(math.ceil(dims["M"] / 64) / 100) for dims in _dims(spec, drawn, code)}
    assert 2 in rounds
    assert max(rounds) >= 3


def test_what_cannot_be_evaluated_is_left_alone(spec, drawn) -> None:
    code = "if T.something(K) > 3 or open('x').read():\n    pass\nif 1 // 0:\n    pass\nif 9 ** 9 ** 9 > K:\n    pass\n"
    assert _dims(spec, drawn, code) == []


def test_params_of_the_other_sign_and_zero_are_met(root) -> None:
    attention = load_spec(root / "specs" / "gqa_fwd.yaml", Sink())
    cases = draw_cases(attention, count=4, seed=0, static_shapes=2)
    more = branch_cases(attention, Body("factor = 1.0 if scale > 0 else 2.0\n"), cases)
    scales = [dict(case.params)["scale"] for case in more]
    assert len(scales) == 2
    assert scales[0] < 0
    assert scales[1] == 0


def test_rounds_of_a_loop_are_met_within_several_rounds_of_another(spec, drawn) -> None:
    """A second tile is of no use to a ring of stages that never comes round."""
    code = (
        "with T.Kernel(100) as b:\n    for w in T.serial(T.ceildiv(T.ceildiv(M, 64) - b, 100)):\n"
        "        for k in T.serial(T.ceildiv(N, 64)):\n            pass\n"
    )
    found = _dims(spec, drawn, code)
    together = {math.ceil(dims["N"] / 64) for dims in found if math.ceil(math.ceil(dims["M"] / 64) / 100) > 1}
    assert {1, 2} <= together
    assert max(together) >= 3


@pytest.mark.parametrize(
    "grid", ["T.ceildiv(M, 64), T.ceildiv(N, {tile})", "T.ceildiv(M, 64) * ((N + {tile} - 1) // {tile})"]
)
def test_an_axis_gets_a_second_tile(spec, drawn, grid) -> None:
    tile = max(dict(case.dims)["N"] for case in drawn) + 1000
    code = f"with T.Kernel({grid.format(tile=tile)}) as b:\n    pass\n"
    assert any(dims["N"] > tile for dims in _dims(spec, drawn, code))


def test_a_ring_of_stages_goes_round_from_one_tile_into_the_next(spec, drawn) -> None:
    code = (
        "k_tiles = T.ceildiv(K, 64)\n"
        "with T.Kernel(100) as b:\n    mine = T.ceildiv(T.ceildiv(M, 64) - b, 100)\n"
        "    for w in T.serial(mine):\n        for k in T.serial(k_tiles):\n            (w * k_tiles + k) % stages\n"
    )

    def goes_round(stages: int) -> bool:
        rounds = (
            (math.ceil(math.ceil(dims["M"] / 64) / 100), math.ceil(dims["K"] / 64))
            for dims in _dims(spec, drawn, code, (("stages", (stages,)),))
        )
        return any(tiles > 1 and (tiles - 1) * steps >= stages for tiles, steps in rounds)

    assert goes_round(6)
    assert not goes_round(1000)
