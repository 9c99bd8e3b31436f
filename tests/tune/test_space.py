"""Candidates: the author's values stay and come first, names decide what is added, products stay small."""

from __future__ import annotations

from pathlib import Path

import pytest

from tileops_spec.hardware import TARGETS
from tileops_spec.scaffold.regions import extract_body
from tileops_spec.tune.space import LARGEST, Setting, candidates, default_of, show, values_of

HOPPER, AMPERE = TARGETS["sm_90a"], TARGETS["sm_80"]


def setting(kind: str = "contraction", target=HOPPER) -> Setting:
    return Setting(kind, target, target.device)


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("block_M", (128,), (128, 64, 192, 256)),
        ("block_N", (0, 256, 192, 128), (0, 256, 192, 128, 64)),
        ("block_K", (64,), (64, 32, 128)),
        ("num_stages", (2, 3), (2, 3, 1, 4, 5, 6)),
        ("threads", (256,), (256, 128, 512)),
        ("num_sms", (132,), (132, 66, 264)),
        ("snake", (True,), (True, False)),
        ("policy", ("row", "column"), ("row", "column")),
        ("splits", (4,), (4, 2, 8)),
        ("ratio", (0.5,), (0.5,)),
    ],
)
def test_names_decide_the_values(name: str, own: tuple, expected: tuple) -> None:
    assert values_of(name, own, setting()) == expected


def test_the_target_and_the_class_count() -> None:
    assert values_of("num_stages", (2,), setting(target=AMPERE)) == (2, 0, 1, 3, 4, 5)
    assert values_of("threads", (128,), setting("normalization")) == (128, 32, 64, 256, 512, 1024)
    assert values_of("num_sms", (108,), setting(target=AMPERE)) == (108, 54, 216)


def test_the_default_comes_first_and_nothing_twice() -> None:
    tunables = (("block_M", (64, 128)), ("num_stages", (3,)))
    found = candidates(tunables, setting())
    assert found[0] == default_of(tunables) == {"block_M": 64, "num_stages": 3}
    assert len({show(each) for each in found}) == len(found) == 4 * 6


def test_a_large_product_loses_the_farthest_values_and_none_of_the_authors() -> None:
    tunables = (("block_M", (64,)), ("block_N", (64,)), ("block_K", (32,)), ("num_stages", (2,)), ("threads", (128,)))
    found = candidates(tunables, setting())
    assert 60 <= len(found) <= LARGEST
    assert {"block_M": 64, "block_N": 64, "block_K": 32, "num_stages": 2, "threads": 128} in found


@pytest.mark.parametrize(
    ("op", "kind"), [("gemm", "contraction"), ("rms_norm", "normalization"), ("gqa_fwd", "attention")]
)
def test_the_zoo_has_spaces_worth_pruning(root: Path, op: str, kind: str) -> None:
    body = extract_body((root / "generated" / op / "kernel.py").read_text(encoding="utf-8"))
    found = candidates(body.tunables, setting(kind))
    assert 60 <= len(found) <= LARGEST
    for name, own in body.tunables:
        assert set(own) <= {each[name] for each in found}
