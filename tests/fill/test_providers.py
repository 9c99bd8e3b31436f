"""Providers: a folder that somebody answers, and a program."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time

import pytest

from tileops_spec.fill.providers.base import ProviderError
from tileops_spec.fill.providers.command import CommandProvider
from tileops_spec.fill.providers.handoff import HandoffProvider


def answer_when_asked(place, write):
    """Answer as somebody else would: once request.json is there."""

    def work():
        deadline = time.monotonic() + 5
        while not (place / "request.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        write(place)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def handoff(tmp_path, **options):
    return HandoffProvider(folder=tmp_path / "requests", op="gemm", **{"timeout": 5, "poll": 0.03, **options})


def test_handoff_asks_in_files_and_reads_the_answer(tmp_path):
    lines = []

    def write(place):
        (place / "answer-meta.json").write_text('{"model": "m-1", "tokens_in": 7, "tokens_out": "many"}')
        (place / "answer.md").write_text("antwort µ", encoding="utf-8")

    thread = answer_when_asked(tmp_path / "requests/gemm-1", write)
    reply = handoff(tmp_path, talk=lines.append).complete("the prompt", attempt=2, run_dir=tmp_path)
    thread.join()
    assert (reply.text, reply.model, reply.tokens_in, reply.tokens_out) == ("antwort µ", "m-1", 7, None)
    assert reply.seconds > 0
    place = tmp_path / "requests/gemm-1"
    assert (place / "prompt.md").read_text() == "the prompt"
    request = json.loads((place / "request.json").read_text())
    assert (request["op"], request["attempt"]) == ("gemm", 2)
    assert [str(place / "answer.md") in line for line in lines] == [True]


def test_handoff_waits_until_an_answer_that_is_written_in_pieces_is_whole(tmp_path):
    def write(place):
        with (place / "answer.md").open("w") as file:
            for piece in ("one ", "two ", "three ", "four"):
                file.write(piece)
                file.flush()
                time.sleep(0.06)

    thread = answer_when_asked(tmp_path / "requests/gemm-1", write)
    reply = handoff(tmp_path, poll=0.15, model="given").complete("p", attempt=1, run_dir=tmp_path)
    thread.join()
    assert (reply.text, reply.model) == ("one two three four", "given")


def test_handoff_takes_a_json_answer_that_is_renamed_into_place(tmp_path):
    def write(place):
        (place / ".answer").write_text('{"body": "x"}')
        (place / ".answer").rename(place / "answer.json")

    thread = answer_when_asked(tmp_path / "requests/gemm-1", write)
    assert handoff(tmp_path).complete("p", attempt=1, run_dir=tmp_path).text == '{"body": "x"}'
    thread.join()


def test_handoff_numbers_requests_and_times_out(tmp_path):
    (tmp_path / "requests/gemm-1").mkdir(parents=True)
    with pytest.raises(ProviderError, match=r"gemm-2 after 0.1 s: expected answer.md or answer.json"):
        handoff(tmp_path, timeout=0.1).complete("p", attempt=1, run_dir=tmp_path)
    assert (tmp_path / "requests/gemm-2/prompt.md").exists()


def command(code, **options):
    return CommandProvider(command=f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}", **options)


def test_command_reads_the_prompt_and_answers(tmp_path):
    code = "import sys; sys.stdout.write(sys.stdin.read().upper())"
    reply = command(code, model="m").complete("grüße\n", attempt=1, run_dir=tmp_path)
    assert (reply.text, reply.model, reply.tokens_in) == ("GRÜSSE\n", "m", None)


def test_command_runs_no_shell(tmp_path):
    marker = tmp_path / "made"
    provider = CommandProvider(command=f"echo '$(touch {marker})' ; touch {marker}")
    assert "$(touch" in provider.complete("p", attempt=1, run_dir=tmp_path).text
    assert not marker.exists()


def test_command_that_fails_shows_its_last_words_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_SECRET", "correct-horse")
    words = "key correct-horse sk-abcdefghijkl Bearer abcdefghij"
    code = f"import sys; sys.stderr.write('early\\n' * 30 + '{words}\\n'); sys.exit(3)"
    with pytest.raises(ProviderError) as caught:
        command(code).complete("p", attempt=1, run_dir=tmp_path)
    text = str(caught.value)
    assert "exit status 3" in text
    assert text.count("early") == 9
    assert text.endswith("key [hidden] [hidden] Bearer [hidden]")


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (CommandProvider(command="no-such-program-anywhere"), "cannot be started"),
        (CommandProvider(command="'unclosed"), "cannot be read"),
        (CommandProvider(command=""), "is empty"),
        (command("pass"), "answered nothing"),
        (command("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), "signal SIGSEGV"),
    ],
)
def test_command_failures_are_provider_errors(provider, message, tmp_path):
    with pytest.raises(ProviderError, match=message):
        provider.complete("p" * 200_000, attempt=1, run_dir=tmp_path)


def test_command_over_time_ends_with_its_children(tmp_path):
    marker = tmp_path / "alive"
    child = f"import time; time.sleep(1.2); open({str(marker)!r}, 'w')"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(30)"
    started = time.monotonic()
    with pytest.raises(ProviderError, match=r"no answer within 0.4 s"):
        command(code, timeout=0.4).complete("p", attempt=1, run_dir=tmp_path)
    assert time.monotonic() - started < 5
    time.sleep(1.3)
    assert not marker.exists()
