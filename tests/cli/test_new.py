"""`tospec new`: specs from templates are right; specs from torch functions say what is known of them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tileops_spec.cli.main import tospec
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.deliver.new.classes import spec_of_class, template_classes
from tileops_spec.deliver.new.draft import spec_from_function
from tileops_spec.deliver.new.functions import FunctionError, read_function
from tileops_spec.deliver.new.known import KNOWN
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import render_findings
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.ir.spec import Spec
from tileops_spec.syntax.format.formatter import format_spec

CLASSES = ("attention", "contraction", "elementwise", "gather", "normalization", "reduction", "scan", "scatter")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tospec, ["new", *arguments], standalone_mode=False)


def check(path: Path, *, cases: int) -> Spec:
    """The spec, which must be clean, in the one form of specs, and agree with its reference."""
    from tileops_spec.analysis.cases import draw_cases
    from tileops_spec.analysis.reference import check_references

    text, sink = path.read_text(encoding="utf-8"), Sink()
    assert format_spec(SourceText(str(path), text), Sink()) == text
    spec = lint_spec(path, sink)
    assert spec is not None, render_findings(sink, "full")
    check_references(spec, sink, cases=draw_cases(spec, count=cases, seed=2, work=5e4))
    assert not sink.diagnostics, render_findings(sink, "full")
    return spec


@pytest.mark.parametrize("kind", CLASSES)
def test_a_template_is_a_right_spec_of_its_class(kind: str, write_spec) -> None:
    from tileops_spec.analysis.classify import classify

    text = spec_of_class("my_first_op", kind)
    spec = check(write_spec(text, "my_first_op"), cases=10)
    assert kind in classify(spec).kinds
    assert spec.status == "draft"
    assert len(spec.workloads) == 2
    assert text.count("#") >= 8
    assert spec.summary.startswith("My first op, ")


def test_every_template_is_listed() -> None:
    assert template_classes() == CLASSES


def _path_of(name: str) -> str:
    import torch

    modules = ("torch.nn.functional", "torch")
    owners = (torch.nn.functional, torch)
    return next(f"{path}.{name}" for path, owner in zip(modules, owners, strict=True) if hasattr(owner, name))


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_function(name: str, write_spec) -> None:
    spec = check(write_spec(spec_from_function("probe", _path_of(name))), cases=5)
    assert spec.math


@pytest.mark.parametrize("name", ["addmm", "add.Tensor", "gelu", "layer_norm", "div", "amax"])
def test_an_operator(name: str, write_spec) -> None:
    path = f"torch.ops.aten.{name}"
    spec = check(write_spec(spec_from_function("probe", path)), cases=5)
    assert spec.math
    assert spec.references[0].expression.startswith(f"{path}(")


UNKNOWN = {
    "torch.nn.functional.glu": ("input: T[M, N]", "output: T[M, N // 2]", "torch.nn.functional.glu(input, -1)"),
    "torch.nn.functional.prelu": ("weight: T[N]", "output: T[M, N]", "prelu(input, weight)"),
    "torch.where": ("condition: bool[*S]", "output: T[*S]", "torch.where(condition, input, other)"),
    "torch.outer": ("vec2: T[N]", "output: T[M, N]", "torch.outer(input, vec2)"),
    "torch.matmul": ("other: T[N, K]", "output: T[M, K]", "torch.matmul(input, other)"),
    "torch.kron": ("other: T[K, L]", "output: T[M * K, N * L]", "torch.kron(input, other)"),
    "torch.sort": ("descending: bool = false", "output1: i64[*S, N]", "torch.sort(input, -1, descending)"),
    "torch.topk": ("k: i64", "output1: i64[M, k]", "torch.topk(input, k, -1, largest, sorted)"),
    "torch.linalg.norm": ("input: T[*S, N]", "output: T[*S]", "torch.linalg.norm(input, dim=-1)"),
}


@pytest.mark.parametrize("path", UNKNOWN)
def test_another_function(path: str, write_spec) -> None:
    """The signature, with shapes that were tried; no mathematics, which lint says, and a word on what to do."""
    text, sink = spec_from_function("probe", path), Sink()
    assert format_spec(SourceText("probe.yaml", text), Sink()) == text
    spec = lint_spec(write_spec(text), sink)
    assert spec is not None
    assert [found.code for found in sink.diagnostics] == ["TS132"]
    assert all(part in text for part in UNKNOWN[path])
    assert "What to do next" in text


def test_arguments_that_nothing_is_known_of(write_spec) -> None:
    text = spec_from_function("probe", "torch.nn.functional.max_pool2d")
    assert "torch.nn.functional.max_pool2d(input, ..., ceil_mode=ceil_mode)" in text
    assert "Write what stands for `...` in the reference: kernel_size" in text
    assert "are a guess" in text
    assert lint_spec(write_spec(text), Sink()) is not None


def test_words_of_the_language_are_no_names() -> None:
    text = spec_from_function("probe", "torch.nn.functional.hardtanh")
    assert "min_val" in text
    assert "  max_" in spec_from_function("probe", "torch.ops.aten.clamp_max")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("torch.nn.functional.layernorm", "did you mean torch.nn.functional.layer_norm?"),
        ("torch.no_such_module.f", "torch has no `no_such_module`"),
        ("os.system", "is named like torch.nn.functional.layer_norm"),
        ("torch", "it is no function"),
        ("torch.float32", "it is no function"),
        ("torch.Tensor.add", "methods of tensors are not read"),
        ("torch.cat", "it takes no tensor"),
        ("torch.einsum", "its signature cannot be read"),
        ("torch.fft.fft", "it gives torch.complex64"),
        ("torch.ops.aten.relu_", "returns new ones"),
    ],
)
def test_what_cannot_be_read(path: str, message: str) -> None:
    with pytest.raises(FunctionError) as refused:
        spec_from_function("probe", path)
    assert message in str(refused.value)


def test_signatures() -> None:
    function = read_function("torch.nn.functional.layer_norm")
    assert function.signature == "layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05)"
    kinds = {each.name: (each.kind, each.optional) for each in function.arguments}
    assert kinds["input"] == ("tensor", False)
    assert kinds["bias"] == ("tensor", True)
    assert kinds["eps"] == ("float", False)
    assert read_function("torch.ops.aten.addmm").arguments[-1].keyword_only


# the command


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_writes_a_file_and_refuses_to_write_over_it() -> None:
    path = Path("specs/my_op.yaml")
    done = run("my_op", "--template", "gather")
    assert (done.return_value, done.stdout) == (0, "")
    assert path.read_text(encoding="utf-8") == spec_of_class("my_op", "gather")
    refused = run("my_op", "--template", "scan")
    assert isinstance(refused.exception, click.UsageError)
    assert "--force writes over it" in str(refused.exception)
    assert run("my_op", "--template", "scan", "--force").return_value == 0
    assert path.read_text(encoding="utf-8") == spec_of_class("my_op", "scan")


def test_stdout() -> None:
    done = run("my_op", "--template", "scatter", "--stdout")
    assert done.stdout == spec_of_class("my_op", "scatter")
    assert not Path("specs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("MyOp", "--template", "scan"), "is not snake_case"),
        (("lambda", "--template", "scan"), "is a word of Python"),
        (("a",), "--template CLASS or --from FUNCTION"),
        (("a", "--template", "scan", "--from", "torch.exp"), "--template CLASS or --from FUNCTION"),
        (("a", "--template", "convolution"), "convolution"),
        (("a", "--from", "torch.expp"), "--from torch.expp: torch has no `expp`; did you mean torch.exp?"),
    ],
)
def test_bad_use(arguments: tuple[str, ...], message: str) -> None:
    refused = run(*arguments)
    assert isinstance(refused.exception, click.UsageError)
    assert message in str(refused.exception)
    assert not Path("specs").exists()


def test_from_a_function() -> None:
    done = run("my_norm", "--from", "torch.nn.functional.rms_norm")
    assert done.return_value == 0
    assert "specs/my_norm.yaml written" in done.stderr
    assert check(Path("specs/my_norm.yaml"), cases=4).op == "my_norm"
