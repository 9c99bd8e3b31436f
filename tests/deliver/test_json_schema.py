"""The JSON Schema of spec files: it refuses what the checker refuses of keys and kinds, and nothing that it accepts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from tileops_spec.check import load_spec
from tileops_spec.check.document import KEYS
from tileops_spec.deliver.json_schema import spec_file_schema
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.source.yaml_tree import Mapping, Node, Scalar, parse_yaml

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
PAGE = re.findall(r"```yaml\n(op: .*?)```", (ROOT / "docs" / "language.md").read_text(encoding="utf-8"), re.S)
CASE = re.compile(r"^## (?P<title>.+?)\n.*?```yaml\n(?P<spec>.*?)```.*?```findings\n(?P<findings>.*?)```", re.M | re.S)
BASE = {
    "op": "op: probe",
    "summary": "summary: A probe.",
    "inputs": "inputs: {A: 'f32[M, K]', x: 'f32[M]'}",
    "outputs": "outputs: {y: 'f32[M]'}",
    "math": "math: |\n  y[m] = x[m] + sum[k](A[m, k])",
}
BEYOND = {
    "a folded math block",
    "a math block of several plain lines, which YAML would join",
    "an escape in a DSL string",
    "a constant without a value",
    "a constant that no memory holds",
    "combinations of dtypes",
}
"""What is wrong there is how the YAML is written, or what an expression is worth."""
STRUCTURE = {"TS003", "TS005", "TS006"}


@cache
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(spec_file_schema())
    return Draft202012Validator(spec_file_schema())


def values(text: str) -> object:
    """The file as editors see it: as JSON values."""
    root = parse_yaml(SourceText("probe.yaml", text), Sink())
    assert root is not None
    return _plain(root)


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, (_, value) in node.entries.items()}
    return [_plain(item) for item in node.items]


def complaints(text: str) -> list[str]:
    return [error.message for error in validator().iter_errors(values(text))]


def _cases():
    for path in sorted((ROOT / "tests" / "cases" / "check").glob("*.md")):
        for found in CASE.finditer(path.read_text(encoding="utf-8")):
            codes = set(re.findall(r"^TS\d+", found["findings"], re.M))
            yield pytest.param(_completed(found["spec"]), codes, found["title"], id=f"{path.stem}: {found['title']}")


def _completed(text: str) -> str:
    if not text.startswith("...\n"):
        return text
    given = set(re.findall(r"^(\w+):", text, re.M))
    return "#\n" + text[4:] + "\n".join(line for key, line in BASE.items() if key not in given) + "\n"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_validate(path: Path) -> None:
    assert not complaints(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", PAGE)
def test_the_language_page_validates(text: str) -> None:
    assert not complaints(text)


@pytest.mark.parametrize(("text", "codes", "title"), list(_cases()))
def test_cases_of_the_checker(text: str, codes: set[str], title: str, write_spec) -> None:
    if codes & {"TS002", "TS004"}:
        assert title  # no values to look at: the YAML itself is refused
        return
    if codes & STRUCTURE and title not in BEYOND:
        assert complaints(text)
    if load_spec(write_spec(text), Sink()) is not None:
        assert not complaints(text)


WRONG = {
    "op": ("op: [probe]", "op: 3", "op: Probe"),
    "summary": ("summary: ''", "summary: 3"),
    "family": ("family: [a]", "family: Two Words"),
    "status": ("status: done", "status: true"),
    "constants": ("constants: [1]", "constants: {A: [1]}", "constants: {A: }"),
    "dtypes": ("dtypes: f16", "dtypes: {T: fp16}", "dtypes: {T: [f16]}", "dtypes: {1: f16}"),
    "dims": ("dims: [M]", "dims: {M: sometimes}", "dims: {M: }"),
    "inputs": ("inputs: {}", "inputs: []", "inputs: {x: 'f32'}", "inputs: {x: 3}", "inputs: {sum: 'f32[M]'}"),
    "params": ("params: [eps]", "params: {eps: 1e-6}", "params: {exp: f32}"),
    "outputs": ("outputs: {}", "outputs: {y: f32(M)}"),
    "where": ("where: K > 0", "where: {K: 1}", "where: [[K]]", "where: [ ~ ]"),
    "math": ("math: [a]", "math: ''", "math: 3"),
    "reference": ("reference: x", "reference: {torch: 3}", "reference: {torch: [x]}"),
    "tolerance": ("tolerance: 4", "tolerance: {factor: 4}", "tolerance: {factor: 1, reason: a}", "tolerance: {}"),
    "hardware": ("hardware: sm_90a", "hardware: {targets: []}", "hardware: {cores: 3}", "hardware: {targets: [sm_1]}"),
    "workloads": ("workloads: {}", "workloads: [M]", "workloads: [{M: 4}]", "workloads: [{name: a, M: x, K: 1}]"),
}


@pytest.mark.parametrize("line", [line for lines in WRONG.values() for line in lines])
def test_both_refuse(line: str, write_spec) -> None:
    from tileops_spec.deliver.lint import lint_spec

    text = _completed("...\n" + line + "\n")
    assert complaints(text)
    assert lint_spec(write_spec(text), Sink()) is None


def test_every_key_is_described() -> None:
    properties = spec_file_schema()["properties"]
    assert tuple(properties) == KEYS == tuple(WRONG)
    assert all(value["description"].endswith((".", "`.")) for value in properties.values())


def test_neither_mathematics_nor_reference() -> None:
    assert complaints("op: a\nsummary: A.\ninputs: {x: 'f32[M]'}\noutputs: {y: 'f32[M]'}\n")


def test_editors_may_read_it_as_an_older_draft() -> None:
    Draft7Validator.check_schema(spec_file_schema())
    older = Draft7Validator(spec_file_schema())
    assert all(older.is_valid(values(path.read_text(encoding="utf-8"))) for path in SPECS)
    assert not any(older.is_valid(values(_completed(f"...\n{line}\n"))) for lines in WRONG.values() for line in lines)
