"""Answers as models write them, and what each malformed one teaches."""

from __future__ import annotations

import json

import pytest

from tileops_spec.fill.answer import AnswerError, parse_answer

BODY = "with T.Kernel(M, threads=128) as row:\n    y[row] = x[row]\n"
FILE = f"""\
import tilelang.language as T

# tospec: tunables begin
TUNABLES = {{"threads": (64,)}}
# tospec: tunables end

def copy_kernel(N):
    @T.prim_func
    def copy(x: T.Tensor((N,), "float32")):
        # tospec: body begin
{"".join("        " + line + chr(10) for line in BODY.splitlines())}\
        # tospec: body end
    return copy
"""
FUNCTION = """\
def copy_kernel(N):
    M = T.dynamic("M")
    @T.prim_func
    def copy(x: T.Tensor((N,), "float32")):
        '''Copies.'''
        with T.Kernel(M, threads=128) as row:
            y[row] = x[row]
    return copy
"""


def fenced(code, data='{"block": [128, 64]}', notes="Copies rows."):
    return f"{notes}\n\n```python\n{code}```\n\n```json\n{data}\n```\n"


def test_body_tunables_and_notes():
    answer = parse_answer(fenced(BODY))
    assert answer.body.code == BODY
    assert answer.body.tunables == (("block", (128, 64)),)
    assert answer.notes == "Copies rows."


@pytest.mark.parametrize(
    "code",
    [
        BODY,
        "    " + BODY.replace("\n", "\n    ").rstrip(" "),
        "\n\n" + BODY + "\n\n",
        BODY.replace("    ", "\t"),
        BODY.replace("\n", "\r\n"),
        FILE,
        FUNCTION,
        f"# tospec: body begin\n{BODY}# tospec: body end\n",
    ],
    ids=["plain", "indented", "blank lines", "tabs", "crlf", "whole file", "whole function", "marks alone"],
)
def test_the_body_is_found_in_whatever_is_wrapped_around_it(code):
    assert parse_answer(fenced(code)).body.code == BODY


@pytest.mark.parametrize(
    ("data", "tunables"),
    [
        ("{}", ()),
        ('{"tunables": {"a": [1]}}', (("a", (1,)),)),
        (
            '{"a": 4, "b": [true, false], "c": [0.5], "d": [1, 1, 2]}',
            (("a", (4,)), ("b", (True, False)), ("c", (0.5,)), ("d", (1, 2))),
        ),
    ],
)
def test_forms_of_tunables(data, tunables):
    assert parse_answer(fenced(BODY, data)).body.tunables == tunables


def test_one_and_true_are_different_candidates():
    ((_, values),) = parse_answer(fenced(BODY, '{"a": [1, true, 0]}')).body.tunables
    assert [type(value) for value in values] == [int, bool, int]


def test_a_json_object_is_an_answer_bare_and_in_a_block():
    data = json.dumps({"body": BODY, "tunables": {"block": [128]}, "notes": "n"})
    for text in (data, f"Here:\n```json\n{data}\n```\n"):
        answer = parse_answer(text)
        assert (answer.body.code, answer.body.tunables, answer.notes) == (BODY, (("block", (128,)),), "n")


def test_a_fence_inside_a_longer_fence_does_not_end_it():
    text = f"````python\n# ```\n{BODY}````\n"
    assert parse_answer(text).body.code == "# ```\n" + BODY


def test_among_several_python_blocks_the_one_with_the_kernel_counts():
    text = f"First, sizes:\n```python\nblock = 4\n```\nThen:\n{fenced(BODY)}"
    assert parse_answer(text).body.code == BODY


def test_a_block_without_a_language_serves_where_no_other_is():
    assert parse_answer(f"```\n{BODY}```").body.code == BODY


def test_syntax_errors_are_left_to_the_static_gate():
    assert parse_answer(fenced("with T.Kernel(:\n")).body.code == "with T.Kernel(:\n"


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("  \n", "the answer is empty", "```python"),
        ("I cannot do this.", "no python block", "```python"),
        (fenced("\n"), "the body is empty", "statements"),
        (f"```python\n{BODY}", "cut off", "shorter"),
        (f"```python\n{BODY}```\n```python\n{BODY}```", "2 python blocks", "exactly one"),
        (f"{fenced(BODY)}```json\n{{}}\n```", "2 json blocks", "one ```json"),
        (fenced(BODY, "{a: 1}"), "not valid JSON: line 1, column 2", "plain JSON"),
        (fenced(BODY, "[1]"), "a JSON list", "one ```json"),
        (fenced(BODY, '{"a": []}'), "tunable a", '"a": [128, 64]'),
        (fenced(BODY, '{"a": [[1]]}'), "tunable a", "candidates"),
        (fenced(BODY, '{"block M": [1]}'), "'block M' is not a Python name", "Name tunables"),
        (fenced(BODY, '{"for": [1]}'), "'for' is not a Python name", "Name tunables"),
        ('{"code": "x"}', "unknown keys code", "body (text)"),
        ('{"notes": "x"}', "no text under the key body", "body (text)"),
        ('{"body": "x"', "not valid JSON", "plain JSON"),
    ],
)
def test_malformed_answers_teach(text, message, help):
    with pytest.raises(AnswerError) as caught:
        parse_answer(text)
    assert message in str(caught.value)
    assert help in caught.value.help
    assert caught.value.diagnostic.code == "TS502"
