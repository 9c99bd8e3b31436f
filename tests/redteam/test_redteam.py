"""The red team: every cheat is refused by the gate that is named for it, and again with the static gate off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tileops_spec.gates.confine.probe import holds
from tileops_spec.scaffold.regions import extract_body

from .conftest import CHEATS, HERE, ROOT, Bench, Cheat

HONEST = sorted(HERE.glob("honest/*.py"))
DANGEROUS = {"exhaustion-forks", "fake-verdict-signal"}
"""Without seccomp these would reach the machine that runs the tests."""


def test_there_are_enough_of_every_class() -> None:
    assert len(CHEATS) >= 70
    assert len({cheat.kind for cheat in CHEATS}) >= 15


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_cheat_is_refused(refused, bench: Bench, cheat: Cheat) -> None:
    """By the gate of its header; the static gate, where it is not that one, has nothing against it."""
    refused(cheat, cheat.gate)
    if cheat.gate[0] != "static":
        assert bench.run("static", cheat.op, cheat.code).status == "passed"


@pytest.mark.parametrize("cheat", [each for each in CHEATS if each.gate[0] == "static"], ids=lambda cheat: cheat.name)
def test_cheat_is_refused_without_the_static_gate(refused, bench: Bench, cheat: Cheat) -> None:
    if cheat.name in DANGEROUS and not holds("seccomp"):
        pytest.skip("needs seccomp")
    refused(cheat, cheat.without_static)
    if holds("landlock"):
        assert not bench.outside.exists()


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.stem)
@pytest.mark.parametrize("gate", ["static", "emulate"])
def test_honest_bodies_pass(bench: Bench, path: Path, gate: str) -> None:
    """What the cheats were made from."""
    verdict = bench.run(gate, path.stem, path.read_text(encoding="utf-8"))
    assert verdict.status == "passed", verdict.summary


COMMITTED = [(op, gate) for op in ("gemm", "rms_norm", "gqa_fwd") for gate in ("static", "lower", "emulate")]
COMMITTED.remove(("gqa_fwd", "lower"))  # ten seconds, and emulation asks the same of its builds


@pytest.mark.parametrize(("op", "gate"), COMMITTED)
def test_committed_bodies_pass(bench: Bench, op: str, gate: str) -> None:
    """Those that are shipped; their tunables are literals here, the defaults."""
    body = extract_body((ROOT / "generated" / op / "kernel.py").read_text(encoding="utf-8"))
    defaults = "".join(f"{name} = {values[0]!r}\n" for name, values in body.tunables)
    verdict = bench.run(gate, op, defaults + body.code)
    assert verdict.status == "passed", verdict.summary


def test_the_table_is_that_of_the_cheats() -> None:
    text = (ROOT / "docs" / "measurements" / "redteam.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (\w+) ([TS\d ]+) \| (\w+) ([TS\d ]+) \|$", text, re.M)
    shown = {name: ((gate, codes), (other, more)) for name, gate, codes, other, more in rows}
    assert shown == {each.name: (_text(each.gate), _text(each.without_static)) for each in CHEATS}


def _text(verdict: tuple[str, frozenset[str]]) -> tuple[str, str]:
    return verdict[0], " ".join(sorted(verdict[1]))
