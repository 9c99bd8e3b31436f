"""The architecture gate: Kernel → Op → Test → Bench, each there, named, exported, importing only what lies below."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from ..ir.spec import Spec
from ..scaffold.naming import factory_name, kernel_class, op_class
from .verdict import Stopwatch, Verdict

_SIMULATOR = "tileops_spec.simulate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one file of a package is for: the names it defines, and the modules that it may import.

    `late` are modules that only functions import, so that who imports the file does not load them. `tests`: it must
    hold a test.
    """

    name: str
    defines: tuple[str, ...] = ()
    imports: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    exports: tuple[str, ...] = ()
    tests: bool = False


def roles(op: str) -> dict[str, Role]:
    """The files that a package of an op has, by name."""
    return {
        "kernel.py": Role(
            name="Kernel",
            defines=("TUNABLES", factory_name(op), kernel_class(op)),
            imports=frozenset({"math", "tilelang", "tilelang.language", "torch"}),
            late=frozenset({_SIMULATOR}),
        ),
        "op.py": Role(
            name="Op",
            defines=(op, op_class(op)),
            imports=frozenset({"functools", "math", "torch"}),
            late=frozenset({".kernel"}),
        ),
        f"test_{op}.py": Role(
            name="Test", imports=frozenset({"pathlib", "pytest", "torch", "tileops_spec.testing", ".op"}), tests=True
        ),
        f"bench_{op}.py": Role(
            name="Bench",
            imports=frozenset({"math", "pathlib", "torch", "tileops_spec.bench.suite", ".op"})
            | {"tileops_spec.analysis.widening"},
        ),
        "__init__.py": Role(name="package", imports=frozenset({".op"}), exports=(op, op_class(op))),
    }


def check_architecture(spec: Spec, files: Mapping[str, str], folder: str) -> Verdict:
    """Fails with TS451 for what is missing, TS452 for an import that crosses layers, TS453 for what is not exported.

    `files` are the texts of a package by file name, `folder` where they stand, for findings. Nothing is imported.
    """
    watch = Stopwatch()
    found: list[Diagnostic] = []
    sources = []
    for name, role in roles(spec.op).items():
        if name not in files:
            message = f"`{folder}` has no {name}: the {role.name} of `{spec.op}`"
            found.append(Diagnostic(code="TS451", message=message, help=f"`tospec build {spec.path}` writes it"))
            continue
        source = SourceText(f"{folder}/{name}", files[name])
        sources.append(source)
        found += _check_file(role, source)
    return Verdict(
        gate="architecture",
        status="failed" if found else "passed",
        seconds=watch.seconds,
        summary=found[0].message if found else "Kernel, Op, Test, Bench: complete, exported, in their layers",
        diagnostics=tuple(found),
        sources=tuple(sources),
    )


def _check_file(role: Role, source: SourceText) -> Iterator[Diagnostic]:
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError) as error:
        yield _finding("TS451", f"the {role.name} is no Python: {error}", source, None, "see `tospec diff`")
        return
    yield from _missing(role, tree, source)
    yield from _crossing(role, tree, source)
    exported = _exported(tree)
    for name in role.exports:
        if name not in exported:
            message = f"the package does not export `{name}`: `__all__` lacks it, or it is not imported from `.op`"
            yield _finding("TS453", message, source, None, "see `tospec diff`")


def _missing(role: Role, tree: ast.Module, source: SourceText) -> Iterator[Diagnostic]:
    defined = set(_defined(tree))
    for name in role.defines:
        if name not in defined:
            yield _finding("TS451", f"the {role.name} does not define `{name}`", source, None, "see `tospec diff`")
    if role.tests and not any(name.startswith("test_") for name in defined):
        yield _finding("TS451", "the Test holds no test", source, None, "see `tospec diff`")


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _crossing(role: Role, tree: ast.Module, source: SourceText) -> Iterator[Diagnostic]:
    """The imports that the role does not allow, where they stand."""
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        for module in _imported(node):
            if module in role.imports or (module in role.late and id(node) not in top):
                continue
            if module in role.late:
                message = f"the {role.name} imports `{module}` when it is imported: only functions may"
            else:
                message = f"the {role.name} imports `{module}`, which is not of its layer or below"
            allowed = ", ".join(sorted((*role.imports, *role.late)))
            yield _finding("TS452", message, source, node, f"the {role.name} may import {allowed}")


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield "." * node.level + (node.module or "")


def _exported(tree: ast.Module) -> set[str]:
    """The names in `__all__` that the module imports."""
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in node.targets):
            listed = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return imported & {each.value for each in listed if isinstance(each, ast.Constant)}
    return set()


def _finding(code: str, message: str, source: SourceText, node: ast.AST | None, help_text: str) -> Diagnostic:
    span = Span(source.path, 0, 0)
    line = getattr(node, "lineno", None)
    if line is not None:
        start = source.line_starts[line - 1]
        end = source.text.find("\n", start)
        span = source.span(start, end if end >= 0 else len(source.text))
    return Diagnostic(code=code, message=message, span=span, help=help_text)
