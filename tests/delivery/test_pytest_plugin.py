"""`pytest --tospec`: an item for each gate of each body, by the implementation that `tospec verify` has."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tileops_spec.pytest_plugin import GATES


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A copy of this project with two specs: one proven, one a draft."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "specs").mkdir()
    for name in ("rms_norm", "log_softmax"):
        shutil.copy(root / "specs" / f"{name}.yaml", folder / "specs")
    shutil.copytree(root / "generated", folder / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "tospec.lock", folder)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n")
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pytest", "-q", *arguments)
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)


def test_nothing_is_collected_unasked(project: Path) -> None:
    assert "no tests ran" in run(project, "specs").stdout


def test_gates_of_what_has_a_body(project: Path) -> None:
    done = run(project, "--tospec", "--tospec-cases", "2", "specs", "--junitxml=found.xml")
    assert done.returncode == 0, done.stdout
    cases = ElementTree.parse(project / "found.xml").getroot().iter("testcase")
    assert [case.get("name") for case in cases] == list(GATES)


def test_a_rejected_body_fails_at_its_gate(project: Path) -> None:
    kernel = project / "generated" / "rms_norm" / "kernel.py"
    text = kernel.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    begin = next(at for at, line in enumerate(lines) if "# tospec: body begin" in line)
    kernel.write_text("".join([*lines[: begin + 1], "        import os\n", *lines[begin + 1 :]]), encoding="utf-8")
    done = run(project, "--tospec", "specs")
    kernel.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "error[TS402]" in done.stdout
    assert "1 failed, 1 passed, 5 skipped" in done.stdout
