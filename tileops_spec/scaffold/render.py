"""From a spec and a body to the text of the files under generated/<op>/."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import jinja2

from ..ir.spec import Spec
from ..resources import resource
from .bench_context import bench_context
from .body import Body
from .describe import docstring, wrapped
from .formatting import FormatError, format_files
from .init_context import init_context
from .kernel_context import kernel_context
from .op_context import op_context
from .regions import extract_body, replace_body, sign_body
from .test_context import test_context

KERNEL = "kernel.py"
PACKAGE_FILE = "__init__.py"
_TEMPLATES = ("kernel.py.j2", "op.py.j2", "test.py.j2", "bench.py.j2", "init.py.j2")
_HOLE = "# <your body here>\n"
_PACKAGE_TEXT = '"""Operators that tospec generated, one package each: `from generated.gemm import gemm`."""\n'


def render_op(spec: Spec, body: Body) -> dict[str, str]:
    """The files of one op, by name: the same bytes for the same spec, body, templates and ruff.

    The body is formatted as well; `extract_body(files["kernel.py"])` is its canonical form, whose hash the lock keeps.
    One that is no Python stands as it came, so that a gate can point at what is wrong with it. ValueError where the
    body holds a mark of a region.
    """
    files = _draft_files(spec)
    draft = _draft_kernel(spec, body)
    try:
        files = format_files({**files, KERNEL: replace_body(draft, body.code)})
        return {**files, KERNEL: sign_body(files[KERNEL])}
    except FormatError:
        files = format_files({**files, KERNEL: draft})
        return {**files, KERNEL: sign_body(replace_body(files[KERNEL], body.code))}


def render_kernel(spec: Spec, body: Body) -> str:
    """kernel.py alone, as `render_op` gives it: what gates look at while attempts are being made."""
    draft = _draft_kernel(spec, body)
    try:
        return sign_body(format_files({KERNEL: replace_body(draft, body.code)})[KERNEL])
    except FormatError:
        return sign_body(replace_body(format_files({KERNEL: draft})[KERNEL], body.code))


def render_hole(spec: Spec) -> str:
    """kernel.py with a hole in place of the body, and no tunables yet: for prompts, not for disk."""
    return replace_body(format_files({KERNEL: _draft_kernel(spec, None)})[KERNEL], _HOLE)


def render_package() -> str:
    """The text of generated/__init__.py."""
    return _PACKAGE_TEXT


def canonical_body(spec: Spec, body: Body) -> Body:
    """The body as it will stand on disk: formatted."""
    return extract_body(render_kernel(spec, body))


@lru_cache(maxsize=1)
def templates_hash() -> str:
    """Hex sha256 over the templates of an op's files."""
    digest = hashlib.sha256()
    for name in _TEMPLATES:
        digest.update(f"{name}\n".encode() + resource("templates", name).read_bytes() + b"\0")
    return digest.hexdigest()


def _draft_files(spec: Spec) -> dict[str, str]:
    """Every file but the kernel's, before formatting."""
    return {
        PACKAGE_FILE: _render("init.py.j2", init_context(spec)),
        "op.py": _render("op.py.j2", op_context(spec)),
        f"test_{spec.op}.py": _render("test.py.j2", test_context(spec)),
        f"bench_{spec.op}.py": _render("bench.py.j2", bench_context(spec)),
    }


def _draft_kernel(spec: Spec, body: Body | None) -> str:
    return _render("kernel.py.j2", kernel_context(spec, body))


def _render(template: str, context: Any) -> str:
    return _environment().get_template(template).render(c=context)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"wrapped": wrapped, "docstring": docstring}
    return environment
