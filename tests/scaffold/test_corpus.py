"""Every spec of the project renders: five files that Python reads, a kernel that traces, an Op that torch registers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_op

FILES = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, str]]:
    """The files of every spec, with a body that does nothing."""
    specs = {path.stem: load_spec(path, Sink()) for path in FILES}
    body = Body(code="with T.Kernel(1, threads=128) as block:\n    pass\n", tunables=())
    return {op: render_op(spec, body) for op, spec in specs.items() if spec is not None}


def test_every_spec_renders(rendered) -> None:
    assert len(rendered) == len(FILES)
    for op, files in rendered.items():
        assert set(files) == {"__init__.py", "kernel.py", "op.py", f"test_{op}.py", f"bench_{op}.py"}
        for text in files.values():
            ast.parse(text)


def test_every_op_registers_and_names_its_arguments(rendered) -> None:
    """The Op of each spec, imported: torch infers its schema from the annotations, and refuses wrong ones."""
    import torch

    for op, files in rendered.items():
        source = files["op.py"].replace('"tospec::', '"tospec_corpus_tests::')
        module: dict = {"__name__": f"corpus_{op}"}
        exec(compile(source, f"{op}/op.py", "exec"), module)
        spec = load_spec(Path(__file__).parents[2] / "specs" / f"{op}.yaml", Sink())
        schema = getattr(torch.ops.tospec_corpus_tests, op).default._schema
        assert spec is not None
        assert len(schema.returns) == len(spec.new_outputs)
        written = [arg.name for arg in schema.arguments if arg.alias_info is not None and arg.alias_info.is_write]
        assert len(written) == len(spec.in_place)
