"""The JSON Schema of spec files, for editors: what keys there are, what each takes, what it is for.

It is made from the registries that the checker reads (keys, dtypes, targets, features, words of the language), so it
cannot fall behind them. It never refuses what tospec accepts; what lies inside the strings it knows loosely. Only
keywords that mean the same in every draft since 6 are used: editors often read older ones.
"""

from __future__ import annotations

from dataclasses import fields
from keyword import kwlist
from typing import Any

from ..check.document import KEYS, REQUIRED
from ..check.load import OP_NAME, STATUSES
from ..check.scope import RESERVED
from ..check.tolerance import WIDEST
from ..hardware import FEATURES, TARGETS
from ..ir.dtypes import DTYPES
from ..ir.spec import Hardware

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SNAKE_CASE = "^" + OP_NAME.pattern.replace(r"\Z", "$")
_ANYTHING = r"[\s\S]*"
_DEFAULT = rf"(={_ANYTHING})?"
_TEXT = {"type": "string", "pattern": r"\S"}

Schema = dict[str, Any]


def spec_file_schema() -> Schema:
    """The schema, as values that `json` writes: one property for each key of a spec, in the order of KEYS."""
    always = [key for key in REQUIRED if key != "math"]
    return {
        "$schema": DRAFT,
        "title": "tospec spec",
        "description": "One operator: its signature, its mathematics, and what it is checked and measured with.",
        "type": "object",
        "properties": {key: {"description": _DESCRIPTIONS[key], **_VALUES[key]} for key in KEYS},
        "required": always,
        "anyOf": [{"required": ["math"]}, {"required": ["reference"]}],
        "additionalProperties": False,
    }


def _by_name(value: Schema, *, at_least: int = 0) -> Schema:
    """A mapping from names of the spec's own to values of one kind."""
    names = {"pattern": f"^{_NAME}$", "not": {"enum": sorted(RESERVED)}}
    return {"type": "object", "propertyNames": names, "additionalProperties": value, "minProperties": at_least}


def _words(known: list[str], *, at_least: int = 0) -> Schema:
    """A list of known words, or one of them alone."""
    word = {"enum": known}
    return {"anyOf": [word, {"type": "array", "items": word, "minItems": at_least}]}


def _tensors(default: str = "") -> Schema:
    """`T[M, K]`, and `T[N] = 0` where a pattern for a default is given."""
    pattern = rf"^\s*{_NAME}\s*\[{_ANYTHING}\]\s*{default}$"
    return _by_name({"type": "string", "pattern": pattern, "examples": ["T[M, K]", "f32[*S, D]"]}, at_least=1)


def _dtypes() -> Schema:
    """`T: f16 | bf16`, and `"A, B": (e4m3, e5m2) | …` for several variables."""
    dtype = "(" + "|".join(DTYPES) + ")"
    row = rf"\(\s*{dtype}(\s*,\s*{dtype})+\s*,?\s*\)"
    alone = rf"({dtype}|\(\s*{dtype}\s*,?\s*\))"
    forms = {
        rf"^\s*{_NAME}\s*$": (alone, "f16 | bf16"),
        rf"^\s*{_NAME}\s*(,\s*{_NAME}\s*)+$": (row, "(e4m3, e4m3) | (e4m3, e5m2)"),
    }
    values = {
        names: {"type": "string", "pattern": rf"^\s*{choice}(\s*\|\s*{choice})*\s*$", "examples": [example]}
        for names, (choice, example) in forms.items()
    }
    return {"type": "object", "patternProperties": values, "additionalProperties": False}


def _hardware() -> Schema:
    values = {"targets": _words(list(TARGETS), at_least=1), "require": _words(list(FEATURES))}
    about = {
        "targets": "The architectures that a kernel must serve; features are derived for the first.",
        "require": "Features that the generated code must show.",
    }
    keys = [each.name for each in fields(Hardware) if each.compare]
    properties = {key: {"description": about[key], **values[key]} for key in keys}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _tolerance() -> Schema:
    factor = {"type": "number", "exclusiveMinimum": 1, "maximum": WIDEST, "description": "How many derived bounds."}
    reason = {**_TEXT, "description": "Why; every report shows it."}
    properties = {"factor": factor, "reason": reason}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _workloads() -> Schema:
    extents = {"type": "array", "items": {"type": "integer", "minimum": 1}}
    value = {"anyOf": [{"type": ["number", "boolean"]}, extents]}
    name = {"type": ["string", "number", "boolean"], "description": "What it is, such as `llama3-8b-prefill-2k`."}
    one = {"type": "object", "properties": {"name": name}, "required": ["name"], "additionalProperties": value}
    return {"type": "array", "items": one}


_VALUES: dict[str, Schema] = {
    "op": {"type": "string", "pattern": _SNAKE_CASE, "not": {"enum": list(kwlist)}, "examples": ["rms_norm"]},
    "summary": _TEXT,
    "family": {"type": "string", "pattern": _SNAKE_CASE, "examples": ["attention"]},
    "status": {"enum": list(STATUSES)},
    "constants": _by_name({"type": ["number", "boolean", "string"]}),
    "dtypes": _dtypes(),
    "dims": _by_name({"enum": ["dynamic", "static"]}),
    "inputs": _tensors(_DEFAULT),
    "params": _by_name({"type": "string", "pattern": rf"^\s*{_NAME}\s*{_DEFAULT}$", "examples": ["f32 = 1e-6"]}),
    "outputs": _tensors(),
    "where": {"type": "array", "items": {"type": ["string", "boolean", "number"]}},
    "math": _TEXT,
    "reference": {"type": "object", "additionalProperties": {"type": "string"}},
    "tolerance": _tolerance(),
    "hardware": _hardware(),
    "workloads": _workloads(),
}
_DESCRIPTIONS = {
    "op": "The operator's name: snake_case, and the name of the file.",
    "summary": "One sentence: what is computed, the layouts, the conventions.",
    "family": "One snake_case word that groups operators.",
    "status": "`draft`: no kernel is asked for yet. `ready` is the default.",
    "constants": "Named numbers, such as `{GROUP: 128}`; one may use those above it.",
    "dtypes": 'Dtype variables: `{T: f16 | bf16}`, and `"A, B": (e4m3, e4m3) | (e4m3, e5m2)` for a pair.',
    "dims": "Which extents are `dynamic`: known at the call. The others are known when the kernel is compiled.",
    "inputs": "Tensors by name: `A: T[M, K]`. `*S` is any leading axes; `bias: T[N] = 0` may be left out. A name that "
    "is an output as well is updated in place.",
    "params": "Scalars by name, with dtype and default: `eps: f32 = 1e-6`.",
    "outputs": "Tensors by name, in the order in which they are returned.",
    "where": "What holds of every call: clauses over dims and params, such as `K % 8 == 0`; clauses that read a "
    "tensor, such as `all[b](0 <= len[b] <= S)`, are promises of the caller.",
    "math": "The statements that define the outputs, in a literal block: `math: |`, then a line such as "
    "`C[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]))`.",
    "reference": "Independent implementations by library, as Python expressions over inputs, dims and params.",
    "tolerance": "How much further than the derived bound kernels may stray, and why: `{factor: 4, reason: …}`.",
    "hardware": "Targets, and features that the generated code must show: `{targets: [sm_90a], require: [wgmma]}`.",
    "workloads": "Named, real shapes: `{name: llama3-8b-qkv, M: 4096, N: 6144, K: 4096}`; a list for a group of axes.",
}
