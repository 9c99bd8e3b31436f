"""Asking for a body until the judge accepts one: prompt, answer, verdicts, and the findings back to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..diagnostics.diagnostic import Diagnostic
from ..scaffold.body import Body
from .answer import Answer, AnswerError, parse_answer
from .prompt import Prompt, render_template
from .providers.base import Provider, ProviderError, Reply
from .runs import Run, start_run
from .verdicts import VerdictLike, accepts, findings_text

Judge = Callable[[Body], Sequence[VerdictLike]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerVerdict:
    """What stands in for the gates where an answer could not be read."""

    diagnostics: tuple[Diagnostic, ...]
    gate: str = "answer"
    status: str = "failed"

    @property
    def summary(self) -> str:
        return self.diagnostics[0].message


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One exchange; `answer` is None where it could not be read."""

    number: int
    reply: Reply
    answer: Answer | None
    verdicts: tuple[VerdictLike, ...]

    @property
    def accepted(self) -> bool:
        return self.answer is not None and accepts(self.verdicts)

    @property
    def outcome(self) -> str:
        """One line: the gate that rejected it and why."""
        rejected = (each for each in self.verdicts if each.status not in ("passed", "skipped"))
        return "; ".join(f"{each.gate}: {' '.join(each.summary.split())}" for each in rejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillResult:
    """`answer` is the accepted one, None where no attempt passed. Tokens are None where a provider did not count."""

    answer: Answer | None
    attempts: tuple[Attempt, ...]
    prompt_sha256: str
    provider: str
    model: str
    run_dir: Path

    @property
    def body(self) -> Body | None:
        return self.answer.body if self.answer else None

    @property
    def tokens_in(self) -> int | None:
        return _total(attempt.reply.tokens_in for attempt in self.attempts)

    @property
    def tokens_out(self) -> int | None:
        return _total(attempt.reply.tokens_out for attempt in self.attempts)

    @property
    def diagnostic(self) -> Diagnostic | None:
        """TS503 where no attempt passed."""
        if self.answer:
            return None
        last = self.attempts[-1].outcome
        tries = f"{len(self.attempts)} attempt{'s' if len(self.attempts) != 1 else ''}"
        return Diagnostic(
            code="TS503", message=f"no body passed after {tries}; the last: {last}", help=f"see {self.run_dir}"
        )


@dataclass(frozen=True, slots=True)
class RepairContext:
    """Everything that repair.md.j2 says."""

    number: int
    answer: str
    findings: tuple[str, ...]
    passed: tuple[str, ...]
    earlier: tuple[str, ...] = field(default=())
    repeated: bool = False


def fill(
    op: str,
    prompt: Prompt,
    provider: Provider,
    judge: Judge,
    *,
    runs: Path,
    max_attempts: int = 3,
    talk: Callable[[str], None] = lambda line: None,
) -> FillResult:
    """Ask until the judge accepts a body, at most `max_attempts` times.

    `runs` is the folder that exchanges are kept under (`.tospec/runs`). Raises ProviderError where the provider gives
    no answer; what was exchanged until then is kept.
    """
    if max_attempts < 1:
        raise ValueError("max_attempts must be at least 1")
    run = start_run(runs, op)
    attempts: list[Attempt] = []
    try:
        while len(attempts) < max_attempts and not (attempts and attempts[-1].accepted):
            attempts.append(_attempt(len(attempts) + 1, repair_prompt(prompt, attempts), provider, judge, run))
            talk(f"attempt {len(attempts)}: {attempts[-1].outcome or 'accepted'}")
    except (ProviderError, KeyboardInterrupt) as error:
        run.keep_outcome(_outcome(_result(prompt, provider, attempts, run), str(error) or "interrupted"))
        raise
    result = _result(prompt, provider, attempts, run)
    run.keep_outcome(_outcome(result, None))
    return result


def _attempt(number: int, text: str, provider: Provider, judge: Judge, run: Run) -> Attempt:
    run.keep_prompt(number, text)
    reply = provider.complete(text, attempt=number, run_dir=run.attempt(number))
    run.keep_answer(number, reply.text)
    try:
        answer = parse_answer(reply.text)
    except AnswerError as error:
        verdicts: tuple[VerdictLike, ...] = (AnswerVerdict(diagnostics=(error.diagnostic,)),)
        answer = None
    else:
        verdicts = tuple(judge(answer.body))
    run.keep_verdicts(number, verdicts)
    return Attempt(number=number, reply=reply, answer=answer, verdicts=verdicts)


def repair_prompt(prompt: Prompt, attempts: Sequence[Attempt]) -> str:
    """The prompt of the next attempt: the first one, and after it the last answer with what was found in it."""
    if not attempts:
        return prompt.text
    last = attempts[-1]
    context = RepairContext(
        number=last.number,
        answer=last.reply.text.strip(),
        findings=findings_text(last.verdicts) or ("the judge gave no verdict",),
        passed=tuple(each.gate for each in last.verdicts if each.status == "passed"),
        earlier=tuple(f"{each.number}: {each.outcome}" for each in attempts[:-1]),
        repeated=_repeated(attempts),
    )
    return f"{prompt.text}\n{render_template('repair.md.j2', context)}"


def _repeated(attempts: Sequence[Attempt]) -> bool:
    """Whether the last body is one that was rejected before."""
    bodies = [each.answer.body.sha256 for each in attempts if each.answer]
    return attempts[-1].answer is not None and bodies[-1] in bodies[:-1]


def _result(prompt: Prompt, provider: Provider, attempts: Sequence[Attempt], run: Run) -> FillResult:
    last = attempts[-1] if attempts else None
    return FillResult(
        answer=last.answer if last and last.accepted else None,
        attempts=tuple(attempts),
        prompt_sha256=prompt.sha256,
        provider=provider.name,
        model=last.reply.model if last else provider.model,
        run_dir=run.folder,
    )


def _outcome(result: FillResult, error: str | None) -> dict[str, Any]:
    return {
        "accepted": result.body is not None,
        "body_sha256": result.body.sha256 if result.body else None,
        "attempts": len(result.attempts),
        "outcomes": [attempt.outcome for attempt in result.attempts],
        "provider": result.provider,
        "model": result.model,
        "prompt_sha256": result.prompt_sha256,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "seconds": round(sum(attempt.reply.seconds for attempt in result.attempts), 3),
        "error": error,
    }


def _total(counts: Any) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
