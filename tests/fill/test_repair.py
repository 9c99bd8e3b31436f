"""From the first prompt to an accepted body, and what is kept on the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tileops_spec.diagnostics.diagnostic import Diagnostic, Label
from tileops_spec.diagnostics.text import SourceText, Span
from tileops_spec.fill.prompt import Prompt
from tileops_spec.fill.providers.base import ProviderError
from tileops_spec.fill.repair import fill
from tileops_spec.fill.verdicts import ALL_FINDINGS, ONE_FINDING, accepts, diagnostic_text, findings_text

from .conftest import ANSWER, BODY, ListProvider, Verdict

PROMPT = Prompt("PREFIX\n", "TASK\n")
PASSES = (Verdict("static"), Verdict("lower"))


def failing(*messages, gate="emulate", code="TS431"):
    found = tuple(Diagnostic(code=code, message=message) for message in messages)
    return (Verdict("static"), Verdict(gate, "failed", f"{len(found)} cases wrong", found))


def test_the_first_body_that_passes_is_taken(tmp_path):
    provider = ListProvider([ANSWER])
    seen = []
    result = fill("copy", PROMPT, provider, lambda body: seen.append(body) or PASSES, runs=tmp_path)
    assert result.body == seen[0]
    assert result.body.code == BODY
    assert result.answer.notes == "Copies."
    assert (result.provider, result.model, result.prompt_sha256) == ("list", "scripted-1", PROMPT.sha256)
    assert (result.tokens_in, result.tokens_out, len(result.attempts)) == (100, 10, 1)
    assert result.diagnostic is None
    assert provider.prompts == [PROMPT.text]


def test_findings_go_back_shortest_first_with_the_whole_prompt_and_the_answer(tmp_path):
    provider = ListProvider([ANSWER, ANSWER.replace("128)", "256)")])
    verdicts = iter([failing("a long story about many elements", "short"), PASSES])
    result = fill("copy", PROMPT, provider, lambda body: next(verdicts), runs=tmp_path)
    assert result.body is not None
    repair = provider.prompts[1]
    assert repair.startswith(PROMPT.text)
    assert ANSWER.strip() in repair
    assert repair.index("TS431: short") < repair.index("TS431: a long story")
    assert "Passed: static." in repair
    assert (result.tokens_in, result.tokens_out) == (200, 20)


def test_a_malformed_answer_counts_and_teaches(tmp_path):
    provider = ListProvider(["no code", ANSWER])
    result = fill("copy", PROMPT, provider, lambda body: PASSES, runs=tmp_path)
    assert result.body is not None
    assert "[answer] TS502: the answer has no python block" in provider.prompts[1]
    assert "exactly one ```python block" in provider.prompts[1]


def test_it_ends_at_the_limit_with_a_finding(tmp_path):
    provider = ListProvider([ANSWER] * 3)
    lines = []
    result = fill(
        "copy", PROMPT, provider, lambda body: failing("wrong"), runs=tmp_path, max_attempts=3, talk=lines.append
    )
    assert result.body is None
    assert len(result.attempts) == 3
    assert result.diagnostic.code == "TS503"
    assert "after 3 attempts" in result.diagnostic.message
    assert lines == [f"attempt {n}: emulate: 1 cases wrong" for n in (1, 2, 3)]
    assert "rejected before" not in provider.prompts[1]
    assert "rejected before" in provider.prompts[2]
    assert "- attempt 1: emulate: 1 cases wrong" in provider.prompts[2]


def test_every_exchange_is_kept_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "hunter2-hunter2")
    provider = ListProvider([ANSWER + "hunter2-hunter2"])
    result = fill("copy", PROMPT, provider, lambda body: failing("hunter2-hunter2"), runs=tmp_path, max_attempts=1)
    assert result.run_dir.parent == tmp_path / "copy"
    kept = {path.relative_to(result.run_dir).as_posix(): path.read_text() for path in result.run_dir.rglob("*.*")}
    assert set(kept) == {"attempt-1/prompt.md", "attempt-1/answer.md", "attempt-1/verdicts.json", "run.json"}
    assert kept["attempt-1/prompt.md"] == PROMPT.text
    assert not any("hunter2" in text for text in kept.values())
    assert [each["status"] for each in json.loads(kept["attempt-1/verdicts.json"])] == ["passed", "failed"]
    assert json.loads(kept["run.json"])["accepted"] is False


def test_a_provider_that_fails_is_heard_and_the_run_is_kept(tmp_path):
    class Failing(ListProvider):
        def complete(self, prompt, *, attempt, run_dir):
            if attempt == 1:
                return super().complete(prompt, attempt=attempt, run_dir=run_dir)
            raise ProviderError("quota")

    with pytest.raises(ProviderError, match="quota"):
        fill("copy", PROMPT, Failing([ANSWER]), lambda body: failing("wrong"), runs=tmp_path)
    (outcome,) = tmp_path.glob("copy/*/run.json")
    data = json.loads(outcome.read_text())
    assert (data["error"], data["attempts"], data["accepted"]) == ("quota", 1, False)


@pytest.mark.parametrize(
    ("statuses", "accepted"),
    [
        (("passed", "passed"), True),
        (("passed", "skipped"), True),
        (("passed", "unsupported"), False),
        (("passed", "failed"), False),
        (("skipped",), False),
        ((), False),
    ],
)
def test_what_counts_as_accepted(statuses, accepted):
    assert accepts([Verdict("gate", status) for status in statuses]) is accepted


def test_findings_are_limited_each_and_in_all():
    many = failing(*(f"{n:04d} " + "x" * 600 for n in range(40)), "y" * 9000)
    texts = findings_text(many)
    assert sum(map(len, texts)) < ALL_FINDINGS + 200
    assert texts[-1].endswith("longer findings.")
    (one,) = findings_text(failing("head " + "y" * 9000 + " tail"))
    assert len(one) < ONE_FINDING + 100
    assert "head" in one
    assert one.endswith(" tail")


def test_a_finding_names_the_line_of_the_body(tmp_path):
    text = (
        "# tospec: tunables begin\nTUNABLES = {}\n# tospec: tunables end\n"
        "def f():\n    # tospec: body begin\n    T.clear(a)\n    T.copy(a, b)\n    # tospec: body end\n"
    )
    path = tmp_path / "kernel.py"
    path.write_text(text)
    at = text.index("T.copy")
    span = Span(str(path), at, at + 6)
    found = Diagnostic(
        code="TS432", message="reads too far", span=span, help="use slices", labels=(Label(span=span, text="here"),)
    )
    assert diagnostic_text(found).split("\n") == [
        "TS432, line 2 of the body: reads too far",
        "    T.copy(a, b)",
        "  note (line 2 of the body): here",
        "  help: use slices",
    ]
    path.unlink()
    sources = {str(path): SourceText(str(path), text)}
    assert diagnostic_text(found, sources).startswith("TS432, line 2 of the body: reads too far")
    path.write_text(text)
    outside = Diagnostic(code="TS432", message="m", span=Span(str(path), 0, 4))
    assert diagnostic_text(outside) == "TS432: m"
    assert diagnostic_text(Diagnostic(code="TS432", message="m", span=Span("/nowhere.py", 0, 4))) == "TS432: m"


def test_golden_repair(tmp_path):
    """UPDATE_GOLDEN=1 writes the file anew."""
    provider = ListProvider([ANSWER] * 3)
    fill("copy", PROMPT, provider, lambda body: failing("two long words", "one"), runs=tmp_path, max_attempts=3)
    path = Path(__file__).parent / "golden/repair.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(provider.prompts[2], encoding="utf-8")
    assert provider.prompts[2] == path.read_text(encoding="utf-8")
