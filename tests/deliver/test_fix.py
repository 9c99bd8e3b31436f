"""`lint --fix`: what each fix writes, what is kept, and what is never written."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from tileops_spec.cli.main import tospec
from tileops_spec.deliver.fixing import fix_file
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink

CASES = Path(__file__).parent.parent / "cases" / "check"
_SPEC = re.compile(r"^## (?P<title>.+?)\n.*?```yaml\n(?P<spec>.*?)```", re.M | re.S)
BASE = {
    "op": "op: probe",
    "summary": "summary: A probe.",
    "inputs": "inputs: {A: 'f32[M, K]', x: 'f32[M]'}",
    "outputs": "outputs: {y: 'f32[M]'}",
    "math": "math: |\n  y[m] = x[m] + sum[k](A[m, k])",
}


def _completed(text: str) -> str:
    given = set(re.findall(r"^(\w+):", text, re.M))
    return text + "".join(f"{line}\n" for key, line in BASE.items() if key not in given)


def _fixed(text: str, write_spec, *, unsafe: bool = True) -> str:
    path = write_spec(_completed(text))
    fix_file(path, unsafe=unsafe)
    return path.read_text(encoding="utf-8")


def _lint(path: Path) -> Sink:
    sink = Sink()
    lint_spec(path, sink)
    return sink


SAFE = {
    "power": ("math: |\n  y[m] = x[m] ** 2 + sum[k](A[m, k]**2)\n", "y[m] = x[m] ^ 2 + sum[k](A[m, k]^2)"),
    "conjunction": ("where: [K > 0&&M > 0 && K < 9]\n", "where: [K > 0 and M > 0 and K < 9]"),
    "disjunction": ("where: [K > 0 || M > 0||K < 9]\n", "where: [K > 0 or M > 0 or K < 9]"),
    "negation": (
        "params: {b: bool = true}\nmath: |\n  y[m] = where(!b, x[m], sum[k](A[m, k]))\n",
        "where(not b, x[m], sum[k](A[m, k]))",
    ),
    "an unused suppression": ("where:\n  - K > 0  # tospec: ignore[TS122] why\n  - M > 0\n", "- K > 0\n  - M > 0"),
}


@pytest.mark.parametrize(("text", "after"), SAFE.values(), ids=SAFE)
def test_safe_fixes(text: str, after: str, write_spec) -> None:
    path = write_spec(_completed(text))
    assert fix_file(path)
    assert after in path.read_text(encoding="utf-8")
    assert lint_spec(path, Sink()) is not None


T16 = "dtypes: {T: f16 | bf16}\ninputs: {A: 'T[M, K]', x: 'f32[M]'}\n"
UNSAFE = {
    "a key": ("worklaods: []\n", "workloads: []"),
    "a name": ("params: {scale: f32 = 1}\nmath: |\n  y[m] = scal * x[m] + sum[k](A[m, k])\n", "scale * x[m]"),
    "a dtype": ("params: {scale: bf61 = 1}\nmath: |\n  y[m] = scale * x[m] + sum[k](A[m, k])\n", "scale: bf16"),
    "a function": ("math: |\n  y[m] = softpluss(x[m]) + sum[k](A[m, k])\n", "softplus(x[m])"),
    "a sum": (T16 + "math: |\n  y[m] = x[m] + sum[k](A[m, k])\n", "sum[k](f32(A[m, k]))"),
    "a sum of products": (
        T16 + "math: |\n  y[m] = x[m] + sum[k](-A[m, k] * (A[m, k] + 1) ^ 2 * 3)\n",
        "sum[k](-f32(A[m, k]) * (f32(A[m, k]) + 1) ^ 2 * 3)",
    ),
    "a softmax": (
        T16 + "math: |\n  p[m, k] = softmax[k](A[m, k])\n  y[m] = x[m] + max[k](p[m, k])\n",
        "softmax[k](f32(A[m, k]))",
    ),
    "a sum of small integers": (
        "inputs: {A: 'i8[M, K]', x: 'f32[M]'}\nmath: |\n  y[m] = x[m] + sum[k](A[m, k])\n",
        "sum[k](i32(A[m, k]))",
    ),
    "late widening": (
        T16 + "math: |\n  y[m] = x[m] + sum[k](f32(A[m, k] * A[m, 0]))\n",
        "sum[k](f32(f32(A[m, k]) * f32(A[m, 0])))",
    ),
    "a local": ("math: |\n  # remark\n  a[m] = x[m]\n    + 1  # one\n  y[m] = x[m] + sum[k](A[m, k])\n", "k])\n"),
    "a local and what only it reads": (
        "math: |\n  a[m] = x[m]\n  b[m] = a[m]\n  y[m] = x[m] + sum[k](A[m, k])\n",
        "math: |\n  y[m] =",
    ),
    "the only param": ("params: {a: f32 = 1}\nwhere: [K > 1]\n", "where: [K > 1]\nop:"),
    "params in a block": (
        "params:\n  a: f32 = 1  # one\n  b: f32 = 2\n  c: f32 = 3\nwhere: [M > 1]\n"
        "math: |\n  y[m] = b * x[m] + sum[k](A[m, k])\n",
        "params:\n  b: f32 = 2\nwhere: [M > 1]\n",
    ),
    "params in braces, and their values in workloads": (
        "params: {a: f32 = 1, 'b': 'f32 = 2', c: f32 = 3}\n"
        "math: |\n  y[m] = b * x[m] + sum[k](A[m, k])\n"
        "workloads:\n  - {a: 2, name: one, M: 1, K: 1}\n  - {name: two, M: 1, K: 1, b: 4, c: 5}\n",
        "params: {'b': 'f32 = 2'}\n",
    ),
    "a constant": ("constants: {N: 1, LAST: 2}\nwhere: [K > N]\n", "constants: {N: 1}\n"),
    "a dtype variable": ("dtypes:\n  T: f16 | bf16\n  # remark\nwhere: [K > 1]\n", "  # remark\nwhere: [K > 1]\n"),
}


@pytest.mark.parametrize(("text", "after"), UNSAFE.values(), ids=UNSAFE)
def test_unsafe_fixes(text: str, after: str, write_spec) -> None:
    path = write_spec(_completed(text))
    assert not fix_file(path)
    assert path.read_text(encoding="utf-8") == _completed(text)
    assert fix_file(path, unsafe=True)
    assert after in path.read_text(encoding="utf-8")
    sink = Sink()
    assert lint_spec(path, sink) is not None
    assert not sink.diagnostics


def test_workloads_lose_the_values_of_removed_params(write_spec) -> None:
    after = _fixed(UNSAFE["params in braces, and their values in workloads"][0], write_spec)
    assert "- {name: one, M: 1, K: 1}\n  - {name: two, M: 1, K: 1, b: 4}\n" in after


@pytest.mark.parametrize(
    "text",
    [
        "where: ['!K == 0']\n",  # neither `not K == 0` nor `(not K) == 0` is sure to be meant
        "where: [K ** ]\n",
        "params: {exq: f32 = 1}\nmath: |\n  y[m] = exr * x[m] + sum[k](A[m, k]) + exs\n",  # `exp` would be no name
        "worklads: []\nworkloads: []\n",
    ],
)
def test_what_is_left_alone_or_undone(text: str, write_spec) -> None:
    path = write_spec(_completed(text))
    before = _lint(path)
    fix_file(path, unsafe=True)
    assert len(_lint(path).errors) <= len(before.errors)


def _all_cases():
    for path in sorted(CASES.glob("*.md")):
        for found in _SPEC.finditer(path.read_text(encoding="utf-8")):
            spec = found["spec"]
            text = _completed("#\n" + spec[4:]) if spec.startswith("...\n") else spec
            yield pytest.param(text, id=f"{path.stem}: {found['title']}")


@pytest.mark.parametrize("text", list(_all_cases()))
def test_fixes_of_every_case_hold(text: str, write_spec) -> None:
    """No finding that could be fixed is left, a spec that loaded still does, and there is nothing more to fix."""
    path = write_spec(text)
    before = _lint(path)
    if not any(found.fix and found.fix.edits for found in before.diagnostics):
        assert not fix_file(path, unsafe=True)
        assert path.read_text(encoding="utf-8") == text
        return
    applied = fix_file(path, unsafe=True)
    after = _lint(path)
    assert applied
    assert not [found for found in after.diagnostics if found.fix]
    assert len(after.errors) <= len(before.errors)
    assert fix_file(path, unsafe=True) == []


def _damaged(number: int) -> str:
    """A case with some words dropped, or put in other words' places."""
    random = Random(number)
    text = random.choice([each for case in _all_cases() if len(each := case.values[0]) > 40])
    for _ in range(random.choice((1, 1, 2, 3))):
        words = list(re.finditer(r"\w+|[^\w\s]", text))
        place, other = random.choice(words), random.choice(words)
        text = text[: place.start()] + random.choice((other.group(), "")) + text[place.end() :]
    return text


def test_damaged_specs_are_judged_and_fixed_without_harm(write_spec) -> None:
    for number in range(300):
        path = write_spec(_damaged(number))
        loads = lint_spec(path, Sink()) is not None
        fix_file(path, unsafe=True)
        assert not loads or lint_spec(path, Sink()) is not None, _damaged(number)


def test_bytes_that_are_not_edited_stay(tmp_path: Path) -> None:
    """A byte order mark, CRLF line ends, and a last line without an end."""
    path = tmp_path / "probe.yaml"
    text = _completed("where: [K > 0 && M > 0]\n").rstrip("\n").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    path.chmod(0o640)
    assert len(fix_file(path)) == 1
    assert path.read_bytes() == b"\xef\xbb\xbf" + text.replace("&&", "and").encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["probe.yaml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "probe.yaml", tmp_path / "probe.yaml"
    real.write_text(_completed("where: [K > 1 && M > 1]\n"), encoding="utf-8")
    link.symlink_to(real)
    assert fix_file(link)
    assert link.is_symlink()
    assert "K > 1 and M > 1" in real.read_text(encoding="utf-8")


def test_what_cannot_be_read_is_left_to_lint(tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    assert fix_file(path) == []
    path.write_bytes(b"op: \xff")
    assert fix_file(path) == []
    assert path.read_bytes() == b"op: \xff"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(tospec, ["lint", "--output-format", "concise", *arguments], standalone_mode=False)


def test_the_command(tmp_path: Path) -> None:
    """It says what was fixed and what remains; warnings fail as errors do."""
    path = tmp_path / "probe.yaml"
    path.write_text(_completed("params: {a: f32 = 1}\nwhere: [K > 1 && M > 1]\n"), encoding="utf-8")
    outcome = _run("--fix", str(path))
    assert outcome.return_value == 1
    assert f"{path}: TS101 write `and`" in outcome.stderr
    assert "1 finding fixed" in outcome.stderr
    assert "1 warning in 1 spec" in outcome.stderr
    assert "warning[TS121]" in outcome.stdout
    outcome = _run("--unsafe-fixes", str(tmp_path))
    assert outcome.return_value == 0
    assert "1 finding fixed" in outcome.stderr
    assert "1 spec clean" in outcome.stderr
