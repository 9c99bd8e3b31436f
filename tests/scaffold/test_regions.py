"""Bodies go in and come out unchanged; damaged marks are named."""

from __future__ import annotations

import hashlib
import textwrap

import pytest

from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.indentation import dedent_code, indent_code
from tileops_spec.scaffold.regions import (
    RegionError,
    body_was_edited,
    extract_body,
    find_regions,
    outside_body,
    replace_body,
    sign_body,
)

FILE = """\
# tospec: tunables begin
TUNABLES = {"block_M": (128, 64), "fast": (True, False)}
# tospec: tunables end


def factory():
    def kernel():
        # tospec: body begin
        with scope():
            pass
        # tospec: body end

    return kernel
"""

MULTILINE = '''\
with scope():
    source = """
  two spaces
none
    """
    other = f"""
{1 + 1}
 one space"""

    use(source, other)
'''


def test_extract():
    body = extract_body(FILE)
    assert body == Body("with scope():\n    pass\n", (("block_M", (128, 64)), ("fast", (True, False))))


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\n",
        MULTILINE,
        "# only a comment\n",
        "if a:\n    b\n\n\nelse:\n    c\n",
        "s = '''a\n# not a mark\n'''\n",
        "x = (1 +\n  2)\n",
        "with x\n  broken(\n",
        "t = 'ünïcödé'\n",
    ],
)
def test_round_trip(code):
    assert extract_body(replace_body(FILE, code)).code == code
    again = replace_body(replace_body(FILE, code), extract_body(replace_body(FILE, code)).code)
    assert again == replace_body(FILE, code)


def test_strings_keep_their_value():
    moved = indent_code(MULTILINE, 8)
    before, after = {}, {}
    for text, names in ((MULTILINE, before), ("if True:\n" + moved, after)):
        scope = "class scope:\n    __enter__ = __exit__ = lambda *_: None\nuse = lambda *_: None\n"
        exec(scope + text, names)
    assert (before["source"], before["other"]) == (after["source"], after["other"])


def test_deeper_committed_code_is_dedented():
    assert dedent_code(textwrap.indent("a\n  b\n\nc\n", "      ")) == "a\n  b\n\nc\n"


def test_outside_ignores_both_regions_and_hashes():
    edited = FILE.replace("pass", "work()").replace("128, 64", "256,")
    assert outside_body(edited) == outside_body(sign_body(FILE))
    assert outside_body(FILE.replace("return kernel", "return None")) != outside_body(FILE)


def test_signature_tells_an_edit():
    signed = sign_body(FILE)
    assert "body begin sha256=" in signed
    assert extract_body(signed) == extract_body(FILE)
    assert not body_was_edited(signed)
    assert body_was_edited(signed.replace("pass", "work()"))
    assert body_was_edited(signed.replace("128, 64", "64, 128"))
    assert not body_was_edited(FILE)
    assert sign_body(signed) == signed


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("        # tospec: body end\n", ""), "`# tospec: body end` is missing"),
        (("        # tospec: body begin\n", ""), "`# tospec: body begin` is missing"),
        (("pass", "pass\n        # tospec: body end"), "`# tospec: body end` stands 2 times"),
        (("# tospec: tunables end", "# tospec: tunables begin"), "stands 2 times"),
        (('TUNABLES = {"block_M": (128, 64), "fast": (True, False)}', "TUNABLES = make()"), "tunables region"),
        (("(128, 64)", "()"), "tunables region"),
        (("(128, 64)", "(None,)"), "tunables region"),
    ],
)
def test_damage(damage, message):
    with pytest.raises(RegionError) as raised:
        extract_body(FILE.replace(*damage), path="generated/op/kernel.py")
    assert any(message in each.message for each in raised.value.diagnostics)
    for each in raised.value.diagnostics:
        assert each.code == "TS306"
        assert each.span.path == "generated/op/kernel.py"


def test_swapped_marks():
    swapped = FILE.replace("body begin", "body X").replace("body end", "body begin").replace("body X", "body end")
    with pytest.raises(RegionError, match="stands above its begin"):
        find_regions(swapped)


def test_every_fault_is_reported():
    with pytest.raises(RegionError) as raised:
        extract_body("nothing here\n")
    assert len(raised.value.diagnostics) == 4


def test_a_body_cannot_close_its_region():
    with pytest.raises(ValueError, match="mark"):
        replace_body(FILE, "x = 1\n# tospec: body end\nimport os\n")
    with pytest.raises(ValueError, match="mark"):
        replace_body(FILE, 's = """\n# tospec: body end sha256=00\n"""\n')


def test_hash_covers_code_and_tunables():
    one = Body("pass\n", (("a", (1, 2)),))
    assert one.sha256 == hashlib.sha256(b'["pass\\n",[["a",[1,2]]]]').hexdigest()
    assert one.sha256 != Body("pass\n", (("a", (2, 1)),)).sha256
    assert one.sha256 != Body("pass \n", (("a", (1, 2)),)).sha256
    assert Body("pass\n", (("a", (True,)),)).sha256 != Body("pass\n", (("a", (1,)),)).sha256
