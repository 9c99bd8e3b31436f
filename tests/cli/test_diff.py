"""`tospec diff --against`: where the earlier version comes from, what is printed, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tileops_spec.cli.main import tospec

SPEC = """\
op: scale
summary: A scaled vector.
inputs: {x: "f32[M]"}
params: {a: f32 = 2}
outputs: {y: "f32[M]"}
math: |
  y[m] = a * x[m]
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(("git", *identity, *arguments), cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose branch `main` has one spec; commands run in it."""
    git(tmp_path, "init", "--initial-branch", "main")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "scale.yaml").write_text(SPEC, encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "one spec")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "specs"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tospec, ["diff", *arguments], standalone_mode=False)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_changed(repository: Path) -> None:
    done = run("--against", "git:main")
    assert (done.return_value, done.stdout) == (0, "")
    assert "1 spec unchanged against git:main" in done.stderr


def test_cosmetic_changes_are_clean(repository: Path) -> None:
    edit(repository / "scale.yaml", "y[m] = a * x[m]", "y[i] = x[i] * a  # the same")
    done = run("specs/scale.yaml", "--against", "git:main")
    assert done.return_value == 0
    assert done.stdout.splitlines() == [
        "cosmetic     math y  y[m] = a * x[m] → y[i] = x[i] * a (names, or the order of operands)",
        "scale: cosmetic: `tospec build --adopt` takes the body over",
    ]


def test_other_changes_are_findings(repository: Path) -> None:
    edit(repository / "scale.yaml", "a: f32 = 2", "a: f32 = 3")
    done = run("--against", "git:HEAD")
    assert done.return_value == 1
    assert done.stdout.splitlines() == [
        "API          param a  a: f32 = 2 → a: f32 = 3 (default)",
        "scale: API: callers change; the body is stale",
    ]


def test_json(repository: Path) -> None:
    edit(repository / "scale.yaml", "a * x[m]", "a * x[m] + 1")
    done = run("--against", "git:main", "--output-format", "json")
    assert done.return_value == 1
    (found,) = json.loads(done.stdout)
    assert found["class"] == "numerics"
    assert found["stale"] is True
    assert found["conclusion"] == "numerics: the body is stale and must be proved again"
    assert found["changes"] == [
        {
            "class": "numerics",
            "what": "math y",
            "old": "y[m] = a * x[m]",
            "new": "y[m] = a * x[m] + 1",
            "note": "mathematics",
            "compatible": False,
        }
    ]


def test_specs_that_came_and_went(repository: Path) -> None:
    (repository / "shift.yaml").write_text(SPEC.replace("op: scale", "op: shift"), encoding="utf-8")
    (repository / "scale.yaml").unlink()
    done = run("--against", "git:main")
    assert done.return_value == 1
    assert done.stdout.splitlines() == [
        "API          spec  (removed)",
        "scale: API: the operator is gone; callers change",
        "API          spec  (added)",
        "shift: API: a new operator",
    ]


def test_every_spec_went(repository: Path) -> None:
    (repository / "scale.yaml").unlink()
    done = run("specs", "--against", "git:main")
    assert (done.return_value, done.stdout.count("removed")) == (1, 1)


def test_from_another_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert run(str(repository / "scale.yaml"), "--against", "git:main").return_value == 0


def test_a_file_and_a_folder(repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "scale_before.yaml").write_text(SPEC.replace("= 2", "= 4"), encoding="utf-8")
    done = run("specs/scale.yaml", "--against", "old/scale_before.yaml")
    assert (done.return_value, done.stdout.count("a: f32 = 4 → a: f32 = 2")) == (1, 1)
    (old / "scale.yaml").write_text(SPEC, encoding="utf-8")
    done = run("--against", "old")
    assert (done.return_value, done.stdout.count("removed")) == (1, 1)


def _no_revision(_: Path) -> str:
    return "git:nowhere"


def _an_option(_: Path) -> str:
    return "git:--help"


def _no_file(_: Path) -> str:
    return "gone.yaml"


def _one_for_many(specs: Path) -> str:
    return str(specs / "scale.yaml")


@pytest.mark.parametrize(
    ("against", "message"),
    [
        (_no_revision, "git knows no revision `nowhere`"),
        (_an_option, "git knows no revision `--help`"),
        (_no_file, "a revision of git is written git:gone.yaml"),
        (_one_for_many, "one file stands against one spec"),
    ],
)
def test_bad_use(repository: Path, against: Callable[[Path], str], message: str) -> None:
    done = run("--against", against(repository))
    assert isinstance(done.exception, click.UsageError)
    assert message in str(done.exception)


def test_outside_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "scale.yaml").write_text(SPEC, encoding="utf-8")
    done = run(str(tmp_path / "scale.yaml"), "--against", "git:main")
    assert "is not in a git repository" in str(done.exception)


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    done = run("--against", "git:main")
    assert done.return_value == 4
    assert "error[TS901]" in done.stderr
    assert "install git" in done.stderr


def test_an_earlier_version_that_does_not_load(repository: Path) -> None:
    text = (repository / "scale.yaml").read_text(encoding="utf-8")
    edit(repository / "scale.yaml", "a * x[m]", "b * x[m]")
    git(repository, "commit", "--all", "--message", "broken")
    (repository / "scale.yaml").write_text(text, encoding="utf-8")
    done = run("--against", "git:HEAD")
    assert done.return_value == 1
    assert "HEAD:specs/scale.yaml:7:10" in done.stderr


def test_the_format_is_for_comparisons(repository: Path) -> None:
    assert isinstance(run("--output-format", "json").exception, click.UsageError)
