"""The machine against Lark's own, over the same grammar: same strings accepted, errors at the same places."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, TextSlice, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tileops_spec.diagnostics.text import Span
from tileops_spec.resources import resource
from tileops_spec.syntax import tables as module
from tileops_spec.syntax.machine import Unexpected, run
from tileops_spec.syntax.parse import ENTRIES
from tileops_spec.syntax.tables import Tables, load_tables, make_lark

TOKENS = "a b2 f16 sum order true or and not 7 1.5e-3 0x1F = += == <= < << + - * / // % ^ ~ & | ( ) [ ] , $ : !"
WORDS = st.sampled_from([*TOKENS.split(), " ", "\n", "# c\n"])
VALID = {
    "dtype_set": ["f16", "f16 | bf16", "(e4m3, e4m3) | (e4m3, e5m2,)"],
    "tensor_type": ["T[*S, D]", "T[]", "T[M + 1, K,] = 1.5"],
    "param_type": ["f32", "f32 = 1 / sqrt(D)"],
    "clause": ["a <= b < c and not d or e", "-x ^ 2 << ~y & 3 | z", "f(a, *s,)[1]"],
    "statement": ["y = 1", "y[*s, d] += sum[k, j](a[k] * b, 2)", "y[] = (a)"],
}
BUILDERS = [lambda span, parts: (span, parts)] * 500


@lru_cache
def _lark() -> Lark:
    return make_lark(resource("grammar", "spec.lark").read_text(encoding="utf-8"), ENTRIES)


def _of_lark(entry: str, text: str, span: Span) -> tuple | None:
    """Where Lark finds an error, and what it would accept; None where it finds none."""
    try:
        _lark().parse(TextSlice(text, span.start, span.end), start=entry)
    except UnexpectedCharacters as error:
        return error.pos_in_stream, None
    except UnexpectedToken as error:
        place = span.end if error.token.type == "$END" else error.token.start_pos
        return place, frozenset(error.accepts or ())
    except UnexpectedInput as error:
        pytest.fail(f"another error of Lark's: {error!r}")
    return None


def _of_machine(entry: str, text: str, span: Span) -> tuple | None:
    try:
        run(load_tables(ENTRIES), BUILDERS, entry, text, span)
    except Unexpected as error:
        return error.start, error.accepted
    return None


def _same(entry: str, inside: str) -> None:
    text = "):" + inside + "]$"
    span = Span("x.yaml", 2, 2 + len(inside))
    assert _of_machine(entry, text, span) == _of_lark(entry, text, span), inside


@settings(max_examples=400, deadline=None, derandomize=True)
@given(entry=st.sampled_from(ENTRIES), words=st.lists(WORDS, max_size=12))
def test_any_string(entry: str, words: list[str]) -> None:
    _same(entry, "".join(words))
    _same(entry, " ".join(words))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(entry=st.sampled_from(ENTRIES), data=st.data())
def test_strings_that_are_nearly_right(entry: str, data) -> None:
    text = data.draw(st.sampled_from(VALID[entry]))
    _same(entry, text)
    place = data.draw(st.integers(0, len(text)))
    _same(entry, text[:place] + data.draw(WORDS) + text[place + data.draw(st.integers(0, 2)) :])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no tables in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_tables.cache_clear()
    yield tmp_path / "tospec"
    load_tables.cache_clear()


def _are_kept(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the tables now come from the cache: making them would be an error."""
    load_tables.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(module, "_make", lambda *_: pytest.fail("the tables were made again"))
        return _work(load_tables(ENTRIES))


def _work(tables: Tables) -> bool:
    span = Span("x.yaml", 0, 10)
    return run(tables, BUILDERS, "statement", "y[m] = x+1", span)[0] == span


def test_tables_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _work(load_tables(ENTRIES))
    assert len(list(cache.iterdir())) == 1
    assert _are_kept(monkeypatch)


@pytest.mark.parametrize("damage", [b"", b"\n", b"00000000\n{}", b"\xff" * 40, b"zz\n[", None])
def test_damaged_tables_are_made_again(cache: Path, damage: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_tables(ENTRIES)
    (path,) = cache.iterdir()
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2] if damage is None else damage)
    load_tables.cache_clear()
    assert _work(load_tables(ENTRIES))
    assert len(path.read_bytes()) > 1000
    assert _are_kept(monkeypatch)


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    load_tables.cache_clear()
    assert _work(load_tables(ENTRIES))
    load_tables.cache_clear()


def test_few_tables_are_kept(cache: Path) -> None:
    cache.mkdir()
    for number in range(20):
        (cache / f"grammar-{number}.json").touch()
    load_tables(ENTRIES)
    assert len(list(cache.iterdir())) == 8
