"""Pruning: each rule drops what it names, the default stays, the model's ties do not fill the list."""

from __future__ import annotations

from typing import Any

from tileops_spec.hardware import TARGETS
from tileops_spec.tune.builds import Build
from tileops_spec.tune.shortlist import shortlist

HOPPER = TARGETS["sm_90a"]
TUNABLES = (("block_N", (128, 64)), ("group", (8,)))


def build(block: int, group: int, text: str | None = None) -> Build:
    return Build({"block_N": block, "group": group}, text=text or f"{block} {group}")


def assessment(seconds: float, **changes: Any) -> dict[str, Any]:
    return {
        "threads": 128,
        "missing": [],
        "shared": {"least": 1024, "most": 1024, "static": 0},
        "registers": {"used": 64, "tiles": 32, "limit": 255, "answer": "fits"},
        "occupancy": {"blocks": 4, "bound": "registers"},
        "workloads": [{"seconds": seconds, "waves": 1.0, "larger": changes.pop("larger", None), "bound": "SM"}],
        **changes,
    }


def judged(builds: list[Build], figures: list[dict[str, Any]]):
    kernels = {each.digest: each for each in builds if each.text is not None}
    return shortlist(builds, dict(zip(kernels, figures, strict=True)), 0, HOPPER, TUNABLES)


def test_each_rule_drops_what_it_names() -> None:
    builds = [build(128, group) for group in range(8, 48)]
    figures = [assessment(1e-3 * (at + 1)) for at in range(40)]
    figures[1] = assessment(1e-6, threads=2048)
    figures[2] = assessment(1e-6, shared={"least": 300_000, "most": 300_000, "static": 0})
    figures[3] = assessment(1e-6, registers={"used": 255, "tiles": 400, "limit": 255, "answer": "too many"})
    figures[4] = assessment(1e-6, larger="a tile")
    found = judged(builds, figures)
    rules = {name: count for name, count in found.dropped.items() if count}
    assert rules == {"threads": 1, "shared memory": 1, "registers": 1, "larger than the problem": 1, "rank": 32}
    assert [each.configuration["group"] for each in found.chosen] == [8, 13, 14, 15]
    assert found.candidates == 40


def test_same_kernels_and_failed_builds_are_counted() -> None:
    builds = [build(128, 8), build(64, 8, "128 8"), Build({"block_N": 32, "group": 8}, error="TypeError: no")]
    found = judged(builds, [assessment(1e-3)])
    assert (found.dropped["same kernel"], found.dropped["does not build"]) == (1, 1)
    assert found.chosen[0].others == ({"block_N": 64, "group": 8},)


def test_the_default_stays_whatever_the_model_says_of_it() -> None:
    builds = [build(128, group) for group in range(8, 28)]
    figures = [assessment(1e-3, larger="a tile"), *(assessment(1e-6 * at) for at in range(1, 20))]
    found = judged(builds, figures)
    assert [each.configuration["group"] for each in found.chosen] == [9, 8]


def test_ties_leave_room_for_others() -> None:
    """Twenty alike, and ten a tenth slower: the list of three has one of the others besides the default."""
    builds = [*(build(128, group) for group in range(8, 28)), *(build(64, group) for group in range(8, 28))]
    figures = [*(assessment(1.00e-3) for _ in range(20)), *(assessment(1.03e-3) for _ in range(20))]
    found = judged(builds, figures)
    assert len(found.chosen) == 4
    assert {each.configuration["block_N"] for each in found.chosen} == {128, 64}
    assert {"block_N": 128, "group": 8} in [each.configuration for each in found.chosen]


def test_a_kernel_that_the_model_cannot_read_is_timed() -> None:
    builds = [build(128, group) for group in range(8, 38)]
    figures = [*(assessment(1e-3) for _ in range(29)), {"error": "KeyError: x"}]
    found = judged(builds, figures)
    assert {"block_N": 128, "group": 37} in [each.configuration for each in found.chosen]
