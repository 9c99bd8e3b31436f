"""Whatever stands in a file, lint gives a Spec or errors whose places lie in the file; it never raises.

tests/fuzz holds the hard cases, and the targets of a fuzzer that runs for longer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink

from ..fuzz.invariants import hold, hold_load

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
SPANNING = (
    "gemm",
    "gemm_w4a16",
    "gemm_fp8_block_scaled",
    "rms_norm",
    "gqa_varlen",
    "gqa_prefill_paged",
    "selective_scan",
    "delta_net_bwd",
    "kv_cache_append",
    "embedding_bwd",
    "moe_permute",
    "topk",
    "dropout",
)
"""What spans the language: packing, scales, groups, gathers, scatters, recurrences, selections, updates in place."""
BOUNDED = settings(max_examples=100, deadline=None, derandomize=True)
_KEYS = "op summary dtypes dims inputs outputs params where math reference hardware targets workloads name"
_NAMES = "T M K A x y m k s f16 f32 i32 bool sum mean softmax argmax exp clamp inf true false and or not dynamic é 漢"
_SIGNS = "= += == < <= + - * / // % ^ ~ & | << >> ( ) [ ] { } , : # > ' \" 0 1 7 1e-6 0x1F *S *s ** @ !"
WORDS = [word for line in (_KEYS, _NAMES, _SIGNS) for word in line.split()]
SPACES = ["", " ", "  ", "\n", "\n  ", "\t", "\r\n"]


@BOUNDED
@given(data=st.binary(max_size=80))
def test_random_bytes(data: bytes) -> None:
    hold(data)


@BOUNDED
@given(words=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SPACES)), max_size=40))
def test_random_words(words: list[tuple[str, str]]) -> None:
    hold("".join(word + space for word, space in words).encode())


_PLACES = ("inputs: {{A: 'f32[M, K]', z: '{}'}}", "where: ['{}']", "params: {{p: '{}'}}", "dtypes: {{T: '{}'}}", "")
NOISE = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(["", " ", " ", "\n  "])), max_size=25)


@BOUNDED
@given(place=st.sampled_from(_PLACES), noise=NOISE, in_output=st.booleans())
def test_random_mathematics(place: str, noise: list[tuple[str, str]], in_output: bool) -> None:
    """A sound spec but for one string of the signature and one statement."""
    text = "".join(word + space for word, space in noise)
    lines = ["op: probe", "summary: A probe.", "outputs: {y: 'f32[M]'}"]
    lines += [place.format(" ".join(text.split()).replace("'", ""))]
    lines += [] if place.startswith("inputs") else ["inputs: {A: 'f32[M, K]', x: 'f32[*S, K]'}"]
    lines += ["math: |", f"  y[m] = {text if in_output else 1}", f"  b[m] = {text}"]
    hold("\n".join(lines).encode())


@st.composite
def _mutants(draw) -> tuple[str, str]:
    """A real spec with characters or lines left out, doubled, moved or replaced."""
    path = draw(st.sampled_from(SPECS))
    text = path.read_text(encoding="utf-8")
    for _ in range(draw(st.integers(1, 4))):
        pieces = text.splitlines(keepends=True) if draw(st.booleans()) else list(text)
        if not pieces:
            break
        at, other = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
        match draw(st.sampled_from(["delete", "double", "swap", "replace", "insert"])):
            case "delete":
                del pieces[at : at + draw(st.integers(1, 3))]
            case "double":
                pieces.insert(at, pieces[at])
            case "swap":
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case "replace":
                pieces[at] = draw(st.sampled_from(WORDS))
            case "insert":
                pieces.insert(at, draw(st.sampled_from(WORDS + SPACES)))
        text = "".join(pieces)
    return path.stem, text


@BOUNDED
@given(mutant=_mutants())
def test_mutated_specs(mutant: tuple[str, str]) -> None:
    name, text = mutant
    hold(text.encode(), f"{name}.yaml")


@pytest.mark.parametrize("name", SPANNING)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_breaks_do_not_matter(name: str, line_break: str, root: Path, tmp_path: Path) -> None:
    path = root / "specs" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    copy = tmp_path / path.name
    copy.write_bytes(text.replace("\n", line_break).encode())
    sink = Sink()
    assert load_spec(copy, sink) == load_spec(path, sink)
    assert not sink.diagnostics


@pytest.mark.parametrize("name", SPANNING)
def test_every_prefix_of_a_spec(name: str, root: Path) -> None:
    """What an editor sees while a spec is being written."""
    data = (root / "specs" / f"{name}.yaml").read_bytes()
    for end in range(0, len(data), 61):
        hold_load(data[:end], f"{name}.yaml")


def test_a_sink_that_has_failed_does_not_fail_the_next_file(write_spec, root: Path) -> None:
    sink = Sink()
    assert load_spec(write_spec("op: [1]"), sink) is None
    assert sink.failed
    assert load_spec(root / "specs" / "gemm.yaml", sink) is not None
