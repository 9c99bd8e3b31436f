"""Syntax errors: where they point, and what they say."""

from __future__ import annotations

import re

import pytest

CASES = [
    # grammar rule, text with the place between «», message, help
    ("clause", "K %«%» 8", "`%` cannot stand here", "a clause is a comparison"),
    ("clause", "K %«»", "the text ends too early: expected `(` or a name or a number", "a clause is a comparison"),
    ("clause", "«»", "the text ends too early", "a clause is a comparison"),
    ("clause", "a «order» b", "`order` cannot stand here", "a clause is a comparison"),
    ("clause", "1 + «not» a", "`not` cannot stand here", "a clause is a comparison"),
    ("clause", "(K > 0«»", "the text ends too early", "a clause is a comparison"),
    ("clause", "K > 0«)»", "`)` cannot stand here", "a clause is a comparison"),
    ("clause", "K &«&» M", "`&` cannot stand here", "write `and`"),
    ("clause", "K |«|» M", "`|` cannot stand here", "write `or`"),
    ("clause", "«!»K", "`!` cannot stand here", "write `not`, or `!=`"),
    ("clause", "K > 0 «?» 1 : 2", "`?` cannot stand here", "where(condition, a, b)"),
    ("clause", "K «if» M else N", "`if` cannot stand here", "where(condition, a, b)"),
    ("clause", "K «=» 8", "`=` cannot stand here", "a clause is a comparison"),
    ("clause", "K *«*» 2", "`*` cannot stand here", "power is written `^`"),
    ("clause", "K > «$»", "`$` cannot stand here", "a clause is a comparison"),
    ("clause", "«99999999999999999999» > K", "does not fit in 64 bits", "1e30"),
    ("clause", "K < «0x10000000000000000»", "does not fit in 64 bits", "1e30"),
    ("statement", "y[m] = A[«:»]", "`:` cannot stand here", "an index variable runs over a whole axis"),
    ("statement", "y«{»m} = 1", "`{` cannot stand here", "indices stand in square brackets"),
    ("statement", "y[m] = A[m, k] «@» B[k, m]", "`@` cannot stand here", "a matrix product is a sum"),
    ("statement", "y[m] =«=» x[m]", "`=` cannot stand here", "a statement is written"),
    ("statement", "y[m]«»", "the text ends too early: expected `=`", "a statement is written"),
    ("statement", "«3» = x", "`3` cannot stand here: expected a name", "a statement is written"),
    ("tensor_type", "T[M«»", "the text ends too early", "a tensor type is written"),
    ("tensor_type", "T«(»M)", "`(` cannot stand here: expected `[`", "a tensor type is written"),
    ("tensor_type", "T[M] «x»", "`x` cannot stand here: expected the end", "a tensor type is written"),
    ("dtype_set", "f16 «,» bf16", "`,` cannot stand here", "a set of dtypes is written"),
    ("dtype_set", "f16 | «»", "the text ends too early: expected `(` or a name", "a set of dtypes is written"),
    ("param_type", "f32 «:» 1", "`:` cannot stand here", "ranges are not sliced"),
    ("param_type", "f32 =«»", "the text ends too early", "a param is written"),
]


@pytest.mark.parametrize(("entry", "marked", "message", "help_text"), CASES, ids=[case[1] for case in CASES])
def test_error(entry: str, marked: str, message: str, help_text: str, strings) -> None:
    before, place, _ = re.split("[«»]", marked)
    assert strings.parse(re.sub("[«»]", "", marked), entry) is None
    (found,) = strings.sink.errors
    assert found.code == "TS101"
    assert message in found.message
    assert help_text in found.help
    start = strings.start + len(before)
    assert found.span == strings.source.span(start, start + max(1, len(place)))


def test_a_bug_of_the_builder_is_not_the_users(strings, monkeypatch) -> None:
    monkeypatch.setattr("tileops_spec.syntax.build._number", lambda text: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        strings.parse("1")
