"""Expressions: operators bind as in Python (`^` as `**`), and every span covers the text that denotes its node."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.diagnostics.text import Span
from tileops_spec.syntax import tree

AT = Span("", 0, 0)
BINARY = ["or", "and", "==", "!=", "<", "<=", ">", ">=", "|", "&", "<<", ">>", "+", "-", "*", "/", "//", "%", "^"]
UNARY = ("-", "+", "~", "not ")
ATOMS = st.sampled_from(["a", "b", "order", "notx", "true", "0", "7", "0x1F", "1.5", ".5", "2.", "1e-6", "3E+4"])
SPACES = st.sampled_from(["", " ", "  ", "\n   ", " # why\n ", "\t", "\r\n "])
BOUNDED = settings(max_examples=300, deadline=None, derandomize=True)


@st.composite
def _expressions(draw, depth: int = 4) -> str:
    """Text of an expression, with parentheses and white space where they may stand."""
    if depth == 0:
        return draw(ATOMS)
    below = _expressions(depth=draw(st.integers(0, depth - 1)))
    kind = draw(st.sampled_from(["atom", "binary", "binary", "binary", "unary", "group", "call", "index", "reduce"]))
    match kind:
        case "atom":
            return draw(ATOMS)
        case "binary":
            left, right = draw(below), draw(below)
            return f"{left} {draw(st.sampled_from(BINARY))}{draw(SPACES)} {right}"
        case "unary":
            return f"{draw(st.sampled_from(UNARY))}{draw(below)}"
        case "group":
            return f"({draw(SPACES)}{draw(below)}{draw(SPACES)})"
        case "reduce":
            return f"sum{draw(SPACES)}[k, *s,]({draw(below)})"
    args = ",".join(draw(st.lists(below, min_size=1, max_size=3)))
    return f"f({args})" if kind == "call" else f"X[{args}, *s]"


def _python(text: str) -> tree.Expr | None:
    """The tree that Python's own parser gives; None where it gives none."""
    try:
        parsed = ast.parse(f"({text.replace('^', '**').replace('true', 'True')}\n)", mode="eval")
    except SyntaxError:
        return None
    return _tree(parsed.body)


_OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "^",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.And: "and",
    ast.Or: "or",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Not: "not",
}


def _tree(node: ast.AST) -> tree.Item:
    match node:
        case ast.Name():
            return tree.Name(node.id, AT)
        case ast.Constant():
            kind = tree.Truth if isinstance(node.value, bool) else tree.Number
            return kind(node.value, AT)
        case ast.UnaryOp():
            return tree.Unary(_OPERATORS[type(node.op)], _tree(node.operand), AT)
        case ast.BinOp():
            return tree.Binary(_OPERATORS[type(node.op)], _tree(node.left), _tree(node.right), AT)
        case ast.BoolOp():
            return _joined(_OPERATORS[type(node.op)], [_tree(value) for value in node.values])
        case ast.Compare():
            sides = [_tree(side) for side in (node.left, *node.comparators)]
            links = zip(sides, node.ops, sides[1:], strict=False)
            return _joined("and", [tree.Binary(_OPERATORS[type(op)], left, right, AT) for left, op, right in links])
        case ast.Starred():
            return tree.Spread(node.value.id, AT)
        case ast.Subscript():
            return tree.Subscript(_tree(node.value), _items(node.slice), AT)
        case ast.Call(func=ast.Subscript() as function):
            return tree.Reduction(_tree(function.value), _items(function.slice), tuple(map(_tree, node.args)), AT)
        case ast.Call():
            return tree.Call(_tree(node.func), tuple(map(_tree, node.args)), AT)
    raise AssertionError(ast.dump(node))


def _items(node: ast.AST) -> tuple[tree.Item, ...]:
    return tuple(map(_tree, node.elts)) if isinstance(node, ast.Tuple) else (_tree(node),)


def _joined(operator: str, parts: list[tree.Expr]) -> tree.Expr:
    left = parts[0]
    for right in parts[1:]:
        left = tree.Binary(operator, left, right, AT)
    return left


@BOUNDED
@given(text=_expressions())
def test_an_expression_means_what_it_means_in_python(text: str, strings) -> None:
    expected = _python(text)
    assert strings.parse(text) == expected, text
    assert strings.sink.failed == (expected is None)


@BOUNDED
@given(
    first=ATOMS,
    rest=st.lists(
        st.tuples(st.sampled_from(BINARY), st.sampled_from(["", *UNARY, "--", "not not "]), ATOMS), max_size=6
    ),
)
def test_flat_chains_mean_what_they_mean_in_python(first: str, rest: list, strings) -> None:
    """No parentheses at all: precedence and associativity alone, and `1 + not x` is refused as Python refuses it."""
    text = first + "".join(f" {operator} {prefix}{atom}" for operator, prefix, atom in rest)
    assert strings.parse(text) == _python(text), text


def _nodes(node: tree.Node) -> Iterator[tree.Node]:
    yield node
    for child in tree.children(node):
        yield from _nodes(child)


@BOUNDED
@given(text=_expressions())
def test_every_span_covers_the_text_that_denotes_its_node(text: str, strings) -> None:
    parsed = strings.parse(text)
    source = strings.source
    for node in _nodes(parsed) if parsed else ():
        written = source.text[node.span.start : node.span.end]
        assert written == written.strip()
        if isinstance(node, tree.Spread):
            assert written == f"*{node.id}"
        else:
            assert strings.parse(written) == node, written
        assert all(
            node.span.start <= child.span.start and child.span.end <= node.span.end for child in tree.children(node)
        )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-a ^ 2", "-(a ^ 2)"),
        ("a ^ -b ^ c", "a ^ (-(b ^ c))"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("a // b % c", "(a // b) % c"),
        ("not a == b", "not (a == b)"),
        ("a or b and c", "a or (b and c)"),
        ("a <= b < c", "(a <= b) and (b < c)"),
        ("a | b & c << d + e", "a | (b & (c << (d + e)))"),
        ("a == b | c", "a == (b | c)"),
    ],
)
def test_precedence(text: str, same: str, strings) -> None:
    assert strings.parse(text) == strings.parse(same)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x10", 16),
        ("007", 7),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        (str(2**64 - 1), 2**64 - 1),
        ("1e999", float("inf")),
    ],
)
def test_numbers(text: str, value: float, strings) -> None:
    parsed = strings.parse(text)
    assert parsed == tree.Number(value, AT)
    assert type(parsed.value) is type(value)


def test_a_comparison_chain_covers_its_links(strings) -> None:
    parsed = strings.parse("0 <  (a + b) <= 8")
    assert [strings.slice(node) for node in (parsed, parsed.left, parsed.right)] == [
        "0 <  (a + b) <= 8",
        "0 <  (a + b)",
        "(a + b) <= 8",
    ]


def test_a_statement(strings) -> None:
    parsed = strings.parse("C[m, *s] = sum[k < K](A[m, k]) # end", "statement")
    assert strings.slice(parsed) == "C[m, *s] = sum[k < K](A[m, k])"
    assert strings.slice(parsed.target) == "C[m, *s]"
    assert [strings.slice(item) for item in parsed.target.items] == ["m", "*s"]
    assert strings.slice(parsed.value.function) == "sum"
    assert strings.slice(parsed.value.args[0]) == "A[m, k]"


@pytest.mark.parametrize(("text", "items"), [("y = 1", None), ("y[] = 1", ()), ("y[m,] += 1", (tree.Name("m", AT),))])
def test_brackets_of_a_target(text: str, items: tuple | None, strings) -> None:
    parsed = strings.parse(text, "statement")
    assert parsed.target.items == items
    assert parsed.op == text.split()[1]


def test_types(strings) -> None:
    tensor = strings.parse("T[*S, 2 * D,]", "tensor_type")
    assert [strings.slice(item) for item in tensor.items] == ["*S", "2 * D"]
    assert strings.parse("f32[]", "tensor_type").items == ()
    dtypes = strings.parse("f16 | bf16|e4m3", "dtype_set")
    assert [strings.slice(name) for choice in dtypes.choices for name in choice] == ["f16", "bf16", "e4m3"]
    param = strings.parse("f32 = 1 / sqrt(D)", "param_type")
    assert (param.dtype.id, strings.slice(param.default)) == ("f32", "1 / sqrt(D)")
    assert strings.parse("bool", "param_type").default is None


@pytest.mark.parametrize(
    "wrap", ["-{}", "f({})", "1 + {}", "{} + 1", "a[{}]", "sum[k]({})", "2 ^ {}", "{} < 1", "{} or a"]
)
def test_depth_is_limited(wrap: str, strings) -> None:
    text = "a"
    for _ in range(90):
        text = wrap.format(text)
    assert strings.parse(text) is not None
    for _ in range(400):
        text = wrap.format(text)
    assert strings.parse(text) is None
    assert [found.message for found in strings.sink.errors] == ["this expression is nested too deeply"]
