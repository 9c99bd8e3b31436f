"""What a model answered, as a body, its tunables and its notes."""

from __future__ import annotations

import json
import keyword
from dataclasses import dataclass
from typing import Any

from ..diagnostics.diagnostic import Diagnostic
from ..scaffold.body import Body
from .code_blocks import Block, UnclosedBlock, find_blocks, outside_blocks
from .unwrap import unwrap_body

_PYTHON = frozenset({"python", "py", "python3", "tilelang"})


class AnswerError(Exception):
    """The answer has no body in the form asked for; `help` says what to write instead."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help

    @property
    def diagnostic(self) -> Diagnostic:
        return Diagnostic(code="TS502", message=str(self), help=self.help)


@dataclass(frozen=True, slots=True)
class Answer:
    body: Body
    notes: str = ""


def parse_answer(text: str) -> Answer:
    """The answer in `text`: one `python` block, one `json` block, notes around them; or one JSON object with the
    keys body, tunables, notes. Raises AnswerError."""
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    if not text.strip():
        raise AnswerError("the answer is empty", _FORM)
    if text.strip().startswith("{"):
        return _from_object(_load_object(text.strip(), "the answer"))
    try:
        blocks = find_blocks(text)
    except UnclosedBlock as error:
        message = f"the code block that opens on line {error.line} is never closed: the answer was cut off"
        raise AnswerError(message, "Answer again, in full, and shorter: the body, the tunables, few notes.") from None
    return _from_blocks(text, blocks)


_FORM = (
    "Answer with exactly one ```python block that holds the statements of the body, and one ```json block that maps "
    "each tunable to the list of its candidates, the default first ({} where there are none); notes in prose."
)


def _from_blocks(text: str, blocks: list[Block]) -> Answer:
    data = [_load_object(block.code, "the json block") for block in blocks if block.language == "json"]
    whole = [each for each in data if "body" in each]
    if len(whole) == 1:
        return _from_object(whole[0])
    if len(data) > 1:
        raise AnswerError(f"the answer has {len(data)} json blocks, and one is expected", _FORM)
    notes = outside_blocks(text, blocks).strip()
    return Answer(_body(_body_block(blocks).code, data[0] if data else {}), notes)


def _body_block(blocks: list[Block]) -> Block:
    """The one block that holds the body; among several, the one that launches a kernel."""
    found = [block for block in blocks if block.language in _PYTHON]
    found = found or [block for block in blocks if not block.language]
    if len(found) > 1:
        found = [block for block in found if "T.Kernel" in block.code] or found
    if len(found) == 1:
        return found[0]
    what = "no python block" if not found else f"{len(found)} python blocks, and one is expected"
    raise AnswerError(f"the answer has {what}", _FORM)


def _load_object(text: str, what: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{what} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise AnswerError(
            message, 'Write plain JSON: {"block_M": [128, 64]}; no comments, no trailing commas.'
        ) from None
    if not isinstance(data, dict):
        raise AnswerError(f"{what} is a JSON {type(data).__name__}, and an object is expected", _FORM)
    return data


def _from_object(data: dict[str, Any]) -> Answer:
    unknown = sorted(set(data) - {"body", "tunables", "notes"})
    if unknown or not isinstance(data.get("body"), str):
        what = f"unknown keys {', '.join(unknown)}" if unknown else "no text under the key body"
        raise AnswerError(f"the JSON object has {what}", "The keys are body (text), tunables (object), notes (text).")
    notes = data.get("notes", "")
    return Answer(
        _body(data["body"], data.get("tunables") or {}), notes if isinstance(notes, str) else json.dumps(notes)
    )


def _body(code: str, tunables: Any) -> Body:
    code = unwrap_body(code)
    if not code.strip():
        raise AnswerError("the body is empty", "The python block holds the statements that go where the hole is.")
    return Body(code=code, tunables=parse_tunables(tunables))


def parse_tunables(data: Any) -> tuple[tuple[str, tuple[int | float | bool | str, ...]], ...]:
    """`{"block_M": [128, 64]}` as name and candidates; one value stands for a list of one. Raises AnswerError."""
    if isinstance(data, dict) and set(data) == {"tunables"}:
        data = data["tunables"]
    if not isinstance(data, dict):
        raise AnswerError("the tunables are not an object of names and lists", _FORM)
    return tuple((_tunable_name(name), _candidates(name, values)) for name, values in data.items())


def _tunable_name(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise AnswerError(f"the tunable {name!r} is not a Python name", "Name tunables as the body uses them.")
    return name


def _candidates(name: str, values: Any) -> tuple[int | float | bool | str, ...]:
    values = values if isinstance(values, list) else [values]
    if not values or not all(isinstance(value, (int, float, bool, str)) for value in values):
        message = f"the tunable {name} has no list of numbers, booleans or words"
        raise AnswerError(message, f'Give its candidates, the default first: {{"{name}": [128, 64]}}.')
    distinct = {(type(value), value): value for value in values}  # 1 and True are equal, and not the same
    return tuple(distinct.values())
