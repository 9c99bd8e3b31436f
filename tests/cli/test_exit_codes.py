"""The documented exit codes, and no traceback for anything that a user can do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileops_spec.cli import main as entry
from tileops_spec.deliver import environment


def _tospec(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tileops_spec.cli", *arguments)
    return subprocess.run(command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("lint", "specs"), 0),
        (("fmt", "--check", "specs/gemm.yaml"), 0),
        (("explain", "specs/gemm.yaml"), 0),
        (("explain", "specs/gemm.yaml", "--target", "sm_89", "--device", "rtx4090"), 0),
        (("explain", "TS108"), 0),
        (("lint", "specs/gone.yaml"), 1),
        (("fmt", "specs/gone.yaml"), 1),
        (("explain", "specs/gone.yaml"), 1),
        (("prompt", "specs/gone.yaml"), 1),
        (("tune", "specs/gone.yaml", "--dry-run"), 1),
        (("tune", "specs/gemm.yaml", "--dry-run", "--workload", "none"), 2),
        (("explain", "TS999"), 2),
        (("explain", "specs/gemm.yaml", "--target", "sm_70"), 2),
        (("explain", "specs/gemm.yaml", "--device", "gtx1080"), 2),
        (("lint", "--no-such-flag"), 2),
        (("biuld",), 2),
        (("fill", "specs/gemm.yaml"), 2),
    ],
)
def test_status(arguments: tuple[str, ...], status: int, root: Path) -> None:
    done = _tospec(*arguments, cwd=root)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_gets_a_suggestion(root: Path) -> None:
    assert "Did you mean `build`?" in _tospec("biuld", cwd=root).stderr


def test_internal_errors_are_named_as_such(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def broken(**_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(entry.tospec, "main", broken)
    monkeypatch.delenv("TOSPEC_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 2
    assert "internal error: KeyError" in capsys.readouterr().err


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry.tospec, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 130


def test_a_machine_without_tilelang(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit 4, with what to install; lint and explain work all the same (test_status)."""
    found = environment.package_version
    monkeypatch.setattr(environment, "package_version", lambda name: None if name == "tilelang" else found(name))
    outcome = CliRunner().invoke(entry.tospec, ["verify", str(root / "specs" / "gemm.yaml")], standalone_mode=False)
    assert outcome.return_value == 4
    assert "error[TS901]" in outcome.stderr
    assert "pip install 'tospec[kernel]'" in outcome.stderr


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    outcome = CliRunner().invoke(entry.tospec, ["doctor"], standalone_mode=False)
    assert outcome.return_value == 4
    assert "g++" in outcome.stdout
    assert "apt install g++" in outcome.stdout
