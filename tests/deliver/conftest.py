"""A project of one small op, with a provider that answers from a file."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tileops_spec.cli.main import tospec

SPEC = """\
op: scaled_add
summary: Adds a scaled vector to every row.
dtypes: {T: f16 | bf16}
dims: {M: dynamic}
params: {alpha: f32 = 0.5}
inputs:
  x: T[M, N]
  w: T[N]
outputs:
  y: T[M, N]
where:
  - N % 8 == 0
math: |
  y[m, n] = x[m, n] + alpha * w[n]
reference:
  torch: x + alpha * w
workloads:
  - {name: small, M: 64, N: 256}
"""
BODY = """\
with T.Kernel(T.ceildiv(N, block_N), T.ceildiv(M, block_M), threads=128) as (bx, by):
    for i, j in T.Parallel(block_M, block_N):
        if by * block_M + i < M and bx * block_N + j < N:
            y[by * block_M + i, bx * block_N + j] = T.cast(x[by * block_M + i, bx * block_N + j], "float32") + (
                alpha * T.cast(w[bx * block_N + j], "float32")
            )
"""
TUNABLES = {"block_M": [16, 8], "block_N": [128]}


def answer(code: str = BODY, tunables: dict | None = None) -> str:
    """What a model would write."""
    return f"```python\n{code}```\n```json\n{json.dumps(TUNABLES if tunables is None else tunables)}\n```\nNotes.\n"


@dataclass
class ProjectFolder:
    """A folder with one spec; commands run in this process."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / "specs" / "scaled_add.yaml"

    @property
    def kernel(self) -> Path:
        return self.root / "generated" / "scaled_add" / "kernel.py"

    def run(self, *arguments: str) -> Result:
        """`tospec …`; `return_value` is the exit code."""
        return CliRunner().invoke(tospec, list(arguments), standalone_mode=False)

    def build(self, *flags: str) -> Result:
        return self.run("build", str(self.spec), "--cases", "2", *flags)

    def fill(self, *answers: str, flags: tuple[str, ...] = ()) -> Result:
        """Fill with a program that gives these answers, one a call, the last one for ever."""
        folder = self.root / "answers"
        folder.mkdir(exist_ok=True)
        for number, text in enumerate(answers):
            (folder / f"{number}.md").write_text(text, encoding="utf-8")
        program = self.root / "model.py"
        program.write_text(_PROGRAM.format(folder=str(folder)), encoding="utf-8")
        command = shlex.join((sys.executable, str(program)))
        arguments = ("fill", str(self.spec), "--provider", "command", "--command", command, "--cases", "2", *flags)
        return self.run(*arguments)

    def snapshot(self) -> dict[str, bytes]:
        """Every file that is committed: specs, generated, lock."""
        folders = (self.root / "specs", self.root / "generated")
        files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".yaml", ".py")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in (*files, self.root / "tospec.lock")}


_PROGRAM = """\
import pathlib, sys
sys.stdin.read()
folder = pathlib.Path({folder!r})
answers = sorted(folder.glob("*.md"))
print(answers[0].read_text())
if len(answers) > 1:
    answers[0].unlink()
"""


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    """A project with a spec and no body yet."""
    folder = ProjectFolder(tmp_path)
    folder.spec.parent.mkdir()
    folder.spec.write_text(SPEC, encoding="utf-8")
    (tmp_path / "tospec.lock").write_text("", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    folder = ProjectFolder(tmp_path_factory.mktemp("filled"))
    folder.spec.parent.mkdir()
    folder.spec.write_text(SPEC, encoding="utf-8")
    (folder.root / "tospec.lock").write_text("", encoding="utf-8")
    filled = folder.fill(answer())
    assert filled.return_value == 0, filled.output
    return folder


@pytest.fixture
def built(_filled: ProjectFolder, tmp_path: Path) -> ProjectFolder:
    """A copy of a project whose op is filled and proven, evidence included."""
    import shutil

    root = tmp_path / "project"
    shutil.copytree(_filled.root, root)
    return ProjectFolder(root)


Runner = Callable[..., Result]
