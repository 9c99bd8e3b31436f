"""The gates as pytest items: `pytest --tospec specs/` judges the committed body of every spec, gate by gate.

It collects nothing unless asked, by the option or by `tospec = true` in pytest's configuration, and imports nothing of
weight until an item runs. `tospec verify` and these items share one implementation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .deliver.prove import Proof
    from .diagnostics.diagnostic import Sink

GATES = ("reference", "static", "lower", "compile", "emulate", "device", "architecture")
"""Items of each spec, in the order in which the gates run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tospec")
    group.addoption(
        "--tospec", action="store_true", help="Run tospec's gates on the committed bodies of collected specs."
    )
    group.addoption("--tospec-cases", type=int, default=12, metavar="N", help="Cases a dtype (default: 12).")
    group.addoption("--tospec-seed", type=int, default=0, metavar="N", help="Seed of the cases (default: 0).")
    parser.addini(
        "tospec", "Run tospec's gates on the committed bodies of collected specs.", type="bool", default=False
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A spec that has a kernel; drafts have none yet."""
    asked = parent.config.getoption("--tospec") or parent.config.getini("tospec")
    if not asked or file_path.suffix != ".yaml" or not _is_ready(file_path):
        return None
    return SpecFile.from_parent(parent, path=file_path)


def _is_ready(path: Path) -> bool:
    lines = [line.split("#")[0].split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return ["op:", path.stem] in lines and ["status:", "draft"] not in lines


class SpecFile(pytest.File):
    """One spec; its gates run once, when the first of its items does."""

    _proof: Proof | None = None
    _sink: Sink | None = None

    def collect(self) -> Iterator[GateItem]:
        for gate in GATES:
            yield GateItem.from_parent(self, name=gate)

    def judged(self) -> tuple[Proof | None, Sink]:
        from .deliver.prove import Effort
        from .deliver.verify import verify_spec
        from .diagnostics.diagnostic import Sink

        if self._sink is None:
            self._sink = Sink()
            option = self.config.getoption
            effort = Effort(cases=option("--tospec-cases"), seed=option("--tospec-seed"))
            self._proof = verify_spec(self.path, effort, self._sink, lambda verdict: None)
        return self._proof, self._sink


class GateItem(pytest.Item):
    """One gate on one body: fails with the findings as `tospec verify` prints them."""

    def runtest(self) -> None:
        assert isinstance(self.parent, SpecFile)
        proof, sink = self.parent.judged()
        verdict = next((each for each in proof.verdicts if each.gate == self.name), None) if proof else None
        if verdict is None and (proof is not None or self.name != GATES[0]):
            pytest.skip("an earlier gate rejects the body" if proof else "there is no body to judge")
        if verdict is not None and verdict.status == "skipped":
            pytest.skip(verdict.summary)
        if verdict is None or verdict.status != "passed":
            raise Rejected(_findings(sink) or (verdict.summary if verdict else "there is no body to judge"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style=None):
        if isinstance(excinfo.value, Rejected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.stem}: {self.name}"


class Rejected(Exception):
    """A gate rejects a body; the text is its findings."""


def _findings(sink: Sink) -> str:
    from .diagnostics.render import render_findings

    return render_findings(sink, "full")
