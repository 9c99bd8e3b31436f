"""From what the child saw to findings: one function a check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...diagnostics.diagnostic import Diagnostic
from ...diagnostics.text import SourceText
from ..places import line_span
from .inputs import Run

if TYPE_CHECKING:
    from torch import Tensor

    from ...analysis.cases import Case
    from ...analysis.estimate import Estimate

    Expect = Callable[[Case, Mapping[str, Tensor]], Mapping[str, Estimate]]

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Seen:
    """One run and the records of its calls; `atomics`: results may differ within the bound."""

    run: Run
    number: int
    calls: Sequence[Mapping[str, Any]]
    outputs: Path
    atomics: bool
    kernel: SourceText

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The calls of a kind that ended."""
        return [each for each in self.calls if each["kind"] == kind and "error" not in each]

    def find(self, code: str, message: str, help_text: str) -> Diagnostic:
        text = f"{message} ({self.run.label})"
        return Diagnostic(code=code, message=text, span=line_span(self.kernel, None), help=help_text)


def judge_run(seen: Seen, expect: Expect) -> Iterator[Diagnostic]:
    """Every check, those that explain others first."""
    for check in (check_launch, check_guards, check_inputs, check_calls, check_stream, check_graph, check_device):
        yield from check(seen)
    yield from check_values(seen, expect)


def check_launch(seen: Seen) -> Iterator[Diagnostic]:
    """TS448, or TS446 where it is the capture that fails."""
    for call in seen.calls:
        if "error" in call:
            message = f"{_name(call)} fails on the GPU: {call['error'].splitlines()[0]}"
            if call["kind"] == "graph" and call["number"] == 1:
                yield seen.find("TS446", message, "a kernel that is captured allocates nothing and waits for nothing")
            else:
                yield seen.find("TS448", message, "look at the threads, the shared memory, and indices beyond a tensor")


def check_guards(seen: Seen) -> Iterator[Diagnostic]:
    """TS442 for each tensor beside which something was written."""
    for name in _names(seen, "guards"):
        message = f"the kernel writes outside of {name}"
        yield seen.find("TS442", message, "mask the tail, or bound the index")


def check_inputs(seen: Seen) -> Iterator[Diagnostic]:
    """TS437 for each input that a call changed."""
    for name in _names(seen, "changed"):
        yield seen.find("TS437", f"the kernel changed its input {name} on the GPU", "write to the outputs only")


def check_calls(seen: Seen) -> Iterator[Diagnostic]:
    """TS443 where the result depends on which call it is or where tensors lie, TS444 where on nothing that is known."""
    calls = seen.of("call")
    results = [each["outputs"] for each in calls]
    if seen.atomics or all(each == results[0] for each in results[1:]):
        return
    first = next(place for place, each in enumerate(results) if each != results[0])
    names = ", ".join(name for name in results[0] if results[first].get(name) != results[0][name])
    odd, even = results[::2], results[1::2]
    if first == len(results) - 1 and first > 0:
        message = f"call {calls[first]['number']} gives another {names} than the calls before it, with the same inputs"
        yield seen.find("TS443", message, "a kernel keeps nothing from one call to the next")
    elif all(each == odd[0] for each in odd) and all(each not in odd for each in even):
        message = f"with its tensors elsewhere the kernel gives another {names}"
        yield seen.find("TS443", message, "a result does not depend on pointers: nothing is cached by them")
    else:
        different = len({repr(sorted(each.items())) for each in results})
        message = f"{len(results)} calls with the same inputs give {different} different results ({names})"
        yield seen.find("TS444", message, "look for a race: blocks that store the same element, a barrier left out")


def check_stream(seen: Seen) -> Iterator[Diagnostic]:
    """TS445 where the result on another stream differs."""
    help_text = "everything is queued on the caller's stream; nothing waits for, or runs on, the default one"
    yield from _unlike(seen, "stream", "TS445", "on a stream of the caller", help_text)


def check_graph(seen: Seen) -> Iterator[Diagnostic]:
    """TS446 where a replay differs."""
    help_text = "nothing but tensors may change between replays: no scalar, and no pointer, is read on the host"
    yield from _unlike(seen, "graph", "TS446", "replayed from a CUDA graph", help_text)


def check_device(seen: Seen) -> Iterator[Diagnostic]:
    """TS447 where the result on another device differs."""
    help_text = "the kernel runs where its tensors are, on the current device"
    yield from _unlike(seen, "device", "TS447", "with another current device", help_text)


def check_values(seen: Seen, expect: Expect) -> Iterator[Diagnostic]:
    """TS436 and TS431 for every distinct result, against the oracle; the first of each output and code."""
    told: set[tuple[str, str]] = set()
    for which, inputs in enumerate(seen.run.inputs):
        expected: Mapping[str, Estimate] | None = None
        for name, digest, call in _distinct(seen, which):
            expected = expected or expect(seen.run.cases[which], inputs)
            for finding in _compared(seen, name, _read(seen, name, digest), expected[name], call):
                if (finding.code, name) not in told:
                    told.add((finding.code, name))
                    yield finding


def _compared(seen: Seen, name: str, actual: Tensor, expected: Estimate, call: Mapping[str, Any]) -> list[Diagnostic]:
    from ...analysis.compare import compare
    from ..tensors import is_poison

    mismatch = compare(name, actual.to(expected.value.device), expected)
    if mismatch is None:
        return []
    unwritten = int(is_poison(actual).sum())
    if unwritten and mismatch.actual != mismatch.actual:
        message = f"{unwritten} of {actual.numel()} elements of {name} are never written on the GPU, in {_name(call)}"
        return [seen.find("TS436", message, "every element of an output is stored once; look at the grid and at tails")]
    message = f"wrong value on the GPU, in {_name(call)}: {mismatch.message}"
    return [seen.find("TS431", message, "emulated it may be right: look for races, barriers, copies not waited for")]


def _distinct(seen: Seen, which: int) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each result on a set of inputs once: output, digest, the first call that gave it."""
    known: set[tuple[str, str]] = set()
    for call in seen.calls:
        if "error" in call or call["set"] != which:
            continue
        for name, digest in call["outputs"].items():
            if (name, digest) not in known:
                known.add((name, digest))
                yield name, digest, call


def _read(seen: Seen, name: str, digest: str) -> Tensor:
    """The bytes of an output as the spec has it, not as the child says."""
    from ..tensors import read_tensor

    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    record = next(each for each in seen.run.records[0] if each["name"] == name)
    return read_tensor({**record, "path": str(seen.outputs / f"{seen.number}-{name}-{digest}")})


def _unlike(seen: Seen, kind: str, code: str, how: str, help_text: str) -> Iterator[Diagnostic]:
    """A finding where a call of a kind gives other bits than a plain one on the same inputs; none with atomics, whose
    results are held to the bound alone."""
    plain = {each["set"]: each["outputs"] for each in (*reversed(seen.of("other")), *reversed(seen.of("call")))}
    for call in () if seen.atomics else seen.of(kind):
        wanted = plain.get(call["set"])
        names = [name for name, digest in call["outputs"].items() if wanted and wanted.get(name) != digest]
        if names:
            yield seen.find(code, f"{how} the kernel gives another {', '.join(names)}", help_text)
            return


def _names(seen: Seen, key: str) -> list[str]:
    """The tensors that any call names under `key`, in the order of the parameters."""
    found = {name for call in seen.calls for name in call.get(key, ())}
    return [record["name"] for record in seen.run.records[0] if record["name"] in found]


def _name(call: Mapping[str, Any]) -> str:
    names = {
        "call": f"call {call['number']}",
        "other": "a call on other inputs",
        "stream": "a call on a stream of the caller",
        "graph": f"replay {call['number']} of a CUDA graph",
        "device": f"a call on device {call['number']}",
    }
    return names[call["kind"]]
