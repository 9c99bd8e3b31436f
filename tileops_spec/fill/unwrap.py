"""Taking the body out of what a model wrapped around it: the region's marks, the function, the whole file."""

from __future__ import annotations

import ast

from ..scaffold.indentation import dedent_code
from ..scaffold.regions import RegionError, extract_body

_BEGIN, _END = "# tospec: body begin", "# tospec: body end"


def unwrap_body(code: str) -> str:
    """The statements alone, dedented, ending in a line break; code that wraps nothing comes back dedented."""
    code = code.expandtabs(4)
    return dedent_code(_between_marks(code) or _inside_prim_func(code) or code)


def _between_marks(code: str) -> str | None:
    try:
        return extract_body(code).code
    except RegionError:
        pass
    begin, end = code.find(_BEGIN), code.find(_END)
    return code[code.index("\n", begin) + 1 : code.rindex("\n", 0, end) + 1] if 0 <= begin < end else None


def _inside_prim_func(code: str) -> str | None:
    """The statements of the one function decorated with `T.prim_func`, its docstring left out."""
    try:
        tree = ast.parse(dedent_code(code))
    except SyntaxError:
        return None  # the static gate says what is wrong with it
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_prim_func(node)]
    if len(found) != 1:
        return None
    statements = found[0].body
    if ast.get_docstring(found[0]) is not None:
        statements = statements[1:]
    lines = dedent_code(code).split("\n")
    return "\n".join(lines[statements[0].lineno - 1 : statements[-1].end_lineno]) if statements else ""


def _is_prim_func(node: ast.FunctionDef) -> bool:
    return any("prim_func" in ast.unparse(decorator) for decorator in node.decorator_list)
