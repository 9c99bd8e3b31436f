"""Any program as a provider: the prompt on its standard input, the answer on its standard output."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..redact import redact
from .base import ProviderError, Reply

_STDERR_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProvider:
    """`command` is split as a shell would split it, but no shell runs it; `timeout` is seconds an answer."""

    command: str
    timeout: float = 600.0
    model: str = "unknown"
    name: str = field(default="command", init=False)

    def complete(self, prompt: str, *, attempt: int, run_dir: Path) -> Reply:
        started = time.monotonic()
        process = self._start()
        output, errors = self._exchange(process, prompt)
        if process.returncode:
            raise ProviderError(f"`{self._program}` ended with {_status(process.returncode)}{_last_lines(errors)}")
        if not output.strip():
            raise ProviderError(f"`{self._program}` answered nothing{_last_lines(errors)}")
        return Reply(text=output, model=self.model, seconds=time.monotonic() - started)

    def _exchange(self, process: subprocess.Popen[str], prompt: str) -> tuple[str, str]:
        try:
            return process.communicate(prompt, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise ProviderError(f"`{self._program}` gave no answer within {self.timeout:g} s") from None
        except BaseException:
            _end(process)
            raise

    @property
    def _program(self) -> str:
        """The program's name alone: arguments may hold secrets."""
        return self._words()[0]

    def _words(self) -> list[str]:
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise ProviderError(f"the provider's command cannot be read: {error}") from None
        if not words:
            raise ProviderError("the provider's command is empty")
        return words

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                self._words(),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that its children end with it
            )
        except OSError as error:
            raise ProviderError(f"`{self._program}` cannot be started: {error.strerror or error}") from None


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and its children; what has ended already is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _status(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _last_lines(errors: str) -> str:
    lines = redact(errors).strip().splitlines()[-_STDERR_LINES:]
    return ":\n" + "\n".join(lines) if lines else ""
