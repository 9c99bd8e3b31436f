"""Secrets do not reach what is shown or kept."""

from __future__ import annotations

import pytest

from tileops_spec.fill.redact import redact


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("the value s3cret-value here", "the value [hidden] here"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer [hidden]"),
        ("sk-ant-REDACTED", "[hidden]"),
        ("ghp_abcdefghij0123456789", "[hidden]"),
        ("api_key=abcdefgh123, next", "api_key=[hidden], next"),
        ('{"access_token": "abcdefgh123"}', '{"access_token": "[hidden]"}'),
    ],
)
def test_secrets_are_hidden(text, clean):
    assert redact(text, {"OUR_TOKEN": "s3cret-value", "PLAIN": "here"}) == clean


@pytest.mark.parametrize(
    "text",
    ["tokens_in: 100", "K = T.alloc_shared((block_N, D), dtype)", "key", "max_tokens=4096", "a task-force of six"],
)
def test_other_text_stays(text):
    assert redact(text, {"PATH": "tokens_in", "A_KEY": "key"}) == text
