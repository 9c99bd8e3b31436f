"""Values that the tests of filling share: verdicts, features, replies from a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tileops_spec.diagnostics.diagnostic import Diagnostic
from tileops_spec.fill.providers.base import Reply

BODY = "with T.Kernel(M, threads=128) as row:\n    y[row] = x[row]\n"
ANSWER = f'Copies.\n\n```python\n{BODY}```\n```json\n{{"block": [128, 64]}}\n```\n'


@dataclass(frozen=True)
class Verdict:
    gate: str
    status: str = "passed"
    summary: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass
class ListProvider:
    """Answers from a list, and remembers what it was asked."""

    answers: list[str]
    name: str = "list"
    model: str = "scripted"
    prompts: list[str] = field(default_factory=list)

    def complete(self, prompt: str, *, attempt: int, run_dir: Path) -> Reply:
        assert run_dir.is_dir()
        self.prompts.append(prompt)
        return Reply(text=self.answers[attempt - 1], model="scripted-1", tokens_in=100, tokens_out=10, seconds=0.5)


@pytest.fixture
def specs(root):
    return root / "specs"
