"""The wheel carries everything: installed elsewhere, it builds a spec of a project that is not the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds tospec as installed from its wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    build = (*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(root))
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("tospec-*.whl")
    target = folder / "site"
    subprocess.run((*pip, "install", "--no-deps", "--target", str(target), str(wheel)), check=True, capture_output=True)
    return target


def _tospec(site: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from tileops_spec.cli.main import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = (sys.executable, "-c", code, *arguments)
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)


def test_data_files_are_inside(site: Path, root: Path) -> None:
    data = site / "tileops_spec" / "_data"
    for folder in ("grammar", "templates", "patterns", "docs/rules"):
        there = sorted(path.relative_to(data) for path in (data / folder).rglob("*") if path.is_file())
        here = sorted(path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file())
        assert here
        assert [each for each in there if "__pycache__" not in each.parts] == [
            each for each in here if "__pycache__" not in each.parts
        ]


def test_device_files_are_inside(site: Path, root: Path) -> None:
    there, here = (
        sorted(path.name for path in (base / "tileops_spec" / "hardware" / "devices").glob("*.toml"))
        for base in (site, root)
    )
    assert there == here != []


def test_builds_a_spec_elsewhere(site: Path, root: Path, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    shutil.copy(root / "specs" / "rms_norm.yaml", tmp_path / "specs")
    shutil.copytree(root / "generated" / "rms_norm", tmp_path / "generated" / "rms_norm")
    shutil.copy(root / "tospec.lock", tmp_path)
    built = _tospec(site, tmp_path, "build", "specs/rms_norm.yaml")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "emulate" in built.stdout
    assert _tospec(site, tmp_path, "diff", "specs/rms_norm.yaml").returncode == 0
