"""A failing body leaves its smallest case: shown with its command, saved, and run first from then on."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from tileops_spec.check import load_spec
from tileops_spec.deliver.project import Project
from tileops_spec.deliver.saved import read_saved, save_case
from tileops_spec.diagnostics.diagnostic import Sink

GUARD = "if by * block_M + i < M and"
NO_LAST_ROW = "if by * block_M + i < T.max(M - 1, 16) and"
"""Leaves the last row out where there are more than 16."""
SMALLEST = "M=17 N=8"


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def broken(built):
    """A project whose body was edited and leaves out a row."""
    built.kernel.write_text(built.kernel.read_text().replace(GUARD, NO_LAST_ROW))
    return built


def saved(project) -> str:
    path = project.root / "cases" / "scaled_add.txt"
    return path.read_text() if path.exists() else ""


def verify(project, *flags: str):
    return project.run("verify", str(project.spec), "--cases", "1", "--shrink", "60", *flags)


def test_a_failure_is_shrunk_saved_and_replayed(broken) -> None:
    result = verify(broken)
    assert result.return_value == 3
    assert re.search(rf"smallest case that fails so: T=\w+ {SMALLEST} data=integers seed=0", result.output)
    lines = [line for line in saved(broken).splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    assert lines[0].endswith("data=integers seed=0  # TS436")
    _, command = re.search(r"replay: (tospec) (.*)", result.output).groups()
    again = broken.run(*shlex.split(command))
    assert again.return_value == 3
    assert "1 of 17" not in again.output
    assert "8 of 136 elements of y are never written" in again.output
    assert "lower" not in again.output
    broken.kernel.write_text(broken.kernel.read_text().replace(NO_LAST_ROW, GUARD))
    assert broken.run(*shlex.split(command)).return_value == 0


def test_saved_cases_run_first(broken) -> None:
    folder = Project(broken.root)
    save_case(folder, "scaled_add", "T=f16 M=19 N=24 data=normal seed=4", "TS436")
    result = broken.run("verify", str(broken.spec), "--cases", "1", "--shrink", "0", "--output-format", "json")
    emulate = json.loads(result.stdout)["scaled_add"][-1]
    assert "(T=f16 M=19 N=24 normal)" in emulate["summary"]


def test_a_mended_body_passes_with_the_saved_case(built) -> None:
    save_case(Project(built.root), "scaled_add", "T=f16 M=19 N=24 data=normal seed=4", "TS436")
    result = built.build()
    assert result.return_value == 0
    assert "evidence" not in result.output
    assert built.build().output.count("up to date") == 1


def test_nothing_is_saved_where_it_is_not_wanted(broken, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ("--cases", "1", "--shrink", "0.001")
    assert "replay: " in broken.run("verify", str(broken.spec), *flags, "--no-save").output
    monkeypatch.setenv("CI", "true")
    assert "replay: " in broken.run("build", str(broken.spec), *flags).output
    assert saved(broken) == ""


def test_a_wrong_reference_is_shrunk(project) -> None:
    text = project.spec.read_text()
    project.spec.write_text(text.replace("torch: x + alpha * w", "torch: x + alpha * w * (x.shape[0] < 40)"))
    result = project.fill("no answer is asked for")
    assert re.search(r"in case `T=\w+ M=40 N=8 \w+`", result.output)
    command = re.search(r"replay: tospec (.*)", result.output).group(1)
    again = project.run(*shlex.split(command))
    assert again.return_value == 3
    assert "TS201" in again.output


@pytest.mark.parametrize(
    ("case", "said"),
    [("M=1", "no value for dim N"), ("M=1 N=4", "`where` refuses"), ("M=0 N=8", "an extent of 0")],
)
def test_cases_that_are_none_are_refused(built, case: str, said: str) -> None:
    result = built.run("verify", str(built.spec), "--case", case)
    assert said in str(result.exception)


def test_case_is_about_one_spec(built) -> None:
    result = built.run("verify", str(built.spec), str(built.spec), "--case", "M=1 N=8")
    assert "--case is about one spec" in str(result.exception)


def test_stale_cases_are_told_and_left_out(built) -> None:
    folder = Project(built.root)
    save_case(folder, "scaled_add", "T=f16 M=1 N=4 data=normal seed=0", "TS431")
    save_case(folder, "scaled_add", "T=f16 M=1 N=16 data=normal seed=0", "TS431")
    assert not save_case(folder, "scaled_add", "T=f16 M=1 N=16 data=normal seed=0", "TS432")
    sink = Sink()
    spec = load_spec(built.spec, sink)
    assert [case.dims for case in read_saved(folder, spec, sink)] == [(("M", 1), ("N", 16))]
    assert [(found.code, found.span.path) for found in sink.diagnostics] == [("TS441", "cases/scaled_add.txt")]
    assert "`N % 8 == 0`" in sink.diagnostics[0].message
