"""Files that once were, or could be, too much: deep, huge, self-similar, or written in look-alikes."""

from __future__ import annotations

from collections.abc import Callable

MEGA = 1_000_000
_MATH = "math: |\n  y[m] = x[m, 0]\n"


def spec(
    math: str = "", inputs: str = "x: 'f32[M, K]', i: 'i32[M]'", outputs: str = "y: 'f32[M]'", keys: str = ""
) -> str:
    """A spec that is sound where the arguments are."""
    body = f"math: |\n{math}" if math else _MATH
    return f"op: probe\nsummary: A probe.\ninputs: {{{inputs}}}\noutputs: {{{outputs}}}\n{keys}\n{body}"


def statement(value: str) -> str:
    return spec(f"  y[m] = {value}\n")


def clause(value: str) -> str:
    return spec(keys=f"where: ['{value}']")


def constant(value: str) -> str:
    return spec(keys=f"constants: {{G: '{value}'}}")


def param(value: str) -> str:
    return spec(keys=f"params: {{p: 'i64 = {value}'}}")


def shape(value: str) -> str:
    return spec(inputs=f"x: 'f32[M, K]', z: 'f32[{value}]'")


def workload(value: str) -> str:
    return spec(keys=f"workloads: [{{name: w, M: {value}, K: 4}}]")


def _lines(count: int, line: Callable[[int], str]) -> str:
    return "".join(f"{line(number)}\n" for number in range(count))


def _aliases(levels: int) -> str:
    """Nine of the level below on every level."""
    return "a0: &a0 [x]\n" + _lines(levels, lambda at: f"a{at + 1}: &a{at + 1} [{', '.join([f'*a{at}'] * 9)}]")


SIZES: dict[str, str | bytes] = {
    "10 MB of comments": "# a comment\n" * 900_000,
    "10 MB of keys": _lines(900_000, lambda at: f"key{at}: 1"),
    "10 MB of one key": "a: b\n" * 2_000_000,
    "10 MB on one line": "a: " + "x" * 10 * MEGA,
    "10 MB of brackets": "[" * 10 * MEGA,
    "10 MB of statements": spec(_lines(600_000, lambda at: f"  b{at}[m] = 1")),
    "10 MB of zeros": b"\0" * 10 * MEGA,
    "10 MB that are no text": b"\xff" * 10 * MEGA,
    "most of one key": "a: b\n" * 50_000,
    "most keys": _lines(17_000, lambda at: f"key{at}: 1"),
    "most keys on one line": "{" + ", ".join(f"key{at}: 1" for at in range(15_000)) + "}",
    "most statements": spec(_lines(12_000, lambda at: f"  b{at}[m] = 1")),
    "most wrong statements": spec(_lines(20_000, lambda at: "  b[m = (")),
    "most unknown names": spec(_lines(9_000, lambda at: f"  b{at}[m] = nam{at}")),
    "most of one name": statement(" + ".join(["x"] * 60_000)),
    "a huge name": statement("n" * 98_000),
    "huge names": statement("(" + ") + (".join("n" * 2_000 + str(at) for at in range(100)) + ")"),
    "a huge key": "k" * 98_000 + ": 1\n",
    "a huge line of a literal": spec(f"  y[m] = 1 # {'c' * 98_000}\n"),
    "most spaces": "op:" + " " * 98_000 + "probe\n",
    "most line breaks": "op: probe\n" + "\n" * 98_000,
    "most suppressions": "op: probe  # tospec: ignore[TS121] why\n" * 6_000,
    "most quotes": "# tospec " + "\"'" * 48_000,
    "most backslashes": 'op: "' + "\\\\" * 48_000 + '"\n',
    "most open quotes": "op: tospec " + "'a " * 32_000,
}
DEEP: dict[str, str] = {
    "flow lists": "[" * 100_000,
    "flow lists that close": "op: " + "[" * 5_000 + "]" * 5_000,
    "flow mappings": "op: " + "{a: " * 50_000,
    "block lists": "- " * 100_000,
    "block mappings": _lines(600, lambda at: " " * at + "a:"),
    "explicit keys": "? " * 100_000,
    "parentheses": statement("(" * 100_000 + "1" + ")" * 100_000),
    "open parentheses": statement("(" * 200_000),
    "closed parentheses": statement(")" * 200_000),
    "indices": statement("x[" * 80_000),
    "calls": statement("exp(" * 50_000 + "1" + ")" * 50_000),
    "minus signs": statement("-" * 200_000 + "1"),
    "nots": clause("not " * 60_000 + "true"),
    "tildes": statement("~" * 200_000 + "1"),
    "sums": statement("1" + " + 1" * 60_000),
    "powers": statement("2" + " ^ 2" * 60_000),
    "comparisons": clause("M" + " <= M" * 40_000),
    "ands": clause("M > 0" + " and M > 0" * 20_000),
    "reductions": statement("sum[k](" * 30_000 + "1" + ")" * 30_000),
    "reductions at the limit": statement("sum[k](" * 40 + "x[m, k]" + ")" * 40),
    "selections at the limit": statement("where(m > 0, " * 40 + "1" + ", 0)" * 40),
    "nested indices": statement("x[i[" * 20 + "m" + "], 0]" * 20).replace("x[i[i", "x[i[i"),
    "padded indices": spec("  y[m] = " + "pad(i[" * 30 + "m" + "], 0)" * 30 + "\n"),
    "dtype alternatives": spec(keys="dtypes: {T: '" + " | ".join(["f16"] * 30_000) + "'}"),
    "powers in a clause": clause("M" + " ^ 4" * 20 + " > 1"),
    "powers of sums": clause("(M + K + 1)" + " ^ 4" * 20 + " > 1"),
    "products of sums": clause(" * ".join(["(M + K + 1)"] * 90) + " > 1"),
    "products of many sums": clause(
        "*".join("(" + "+".join(f"M*{n}" for n in range(40)) + ")" for _ in range(40)) + " > 1"
    ),
    "indices that are powers": statement("x[(m + M) ^ 4 ^ 4 ^ 4, 0]"),
    "quotients in quotients": clause("M // 2" + " // (K + 1)" * 60 + " > 1"),
    "remainders": clause("M" + " % (K + 1)" * 60 + " == 0"),
    "extremes": clause("max(" * 45 + "M" + ", K)" * 45 + " > 1"),
    "clauses of alternatives": clause(" and ".join(f"(M > {n} or K < {n})" for n in range(80))),
    "chains of integers": spec(
        _lines(400, lambda at: f"  c{at + 1}[m] = c{at}[m] + i[m]" if at else "  c1[m] = i[m]")
        + "  y[m] = x[c400[m], 0]\n"
    ),
    "chains that double": spec(
        "  c0[m] = i[m]\n" + _lines(60, lambda at: f"  c{at + 1}[m] = c{at}[m] * c{at}[m]") + "  y[m] = x[c60[m], 0]\n"
    ),
    "chains that branch": spec(
        "  c0[m] = i[m]\n"
        + _lines(40, lambda at: f"  c{at + 1}[j < M] = c{at}[j // 2] + c{at}[j // 3]")
        + "  y[m] = x[c40[m], 0]\n"
    ),
    "chains of truths": spec(
        "  c0[m] = i[m] > 0\n"
        + _lines(60, lambda at: f"  c{at + 1}[m] = c{at}[m] and not c{at}[m] or c{at}[m]")
        + "  y[m] = where(c60[m], x[i[m], 0], 0)\n"
    ),
    "chains of choices": spec(
        "  c0[m] = i[m]\n"
        + _lines(60, lambda at: f"  c{at + 1}[m] = where(c{at}[m] > {at}, c{at}[m] // 2, c{at}[m] + 1)")
        + "  y[m] = x[c60[m], 0]\n"
    ),
}
_NUMBERS = (
    "9" * 9_999,
    "1" + "0" * 9_999,
    "1e999999",
    "-1e999999",
    "1e-999999",
    "0x" + "F" * 5_000,
    "0." + "1" * 9_999,
    "2 ^ 2 ^ 99",
    "2 ^ 99999999",
    "1 << 1000000000000",
    "1 << (1 << 40)",
    "9999999999 ^ 9 ^ 9",
    "1 << -1",
    "1 // 0",
    "0 ^ -1",
    "(0 - 8) ^ 0.5",
    "inf",
    "0 * inf",
    "~1.5",
    "1.5 & 2",
    "xor(1.5, 2)",
    "i32(inf)",
    "i64(0 * inf)",
    "exp(1e4)",
    "floor(inf)",
    "round(0 * inf)",
    "18446744073709551615 ^ 16",
    " * ".join(["18446744073709551615"] * 90),
    "fma(2 ^ 500, 2 ^ 500, 2 ^ 500)",
    "-9223372036854775809",
)
NUMBERS: dict[str, str] = {
    f"{text if len(text) < 30 else f'{text[:12]}…{len(text)}'} in {place.__name__}": place(text)
    for text in _NUMBERS
    for place in (constant, param, workload)
} | {
    f"{text if len(text) < 30 else f'{text[:12]}…{len(text)}'} in {name}": write(text)
    for text in _NUMBERS
    for name, write in {
        "a clause": lambda text: clause(f"M < {text}"),
        "an equation": lambda text: clause(f"M == {text}"),
        "a shape": lambda text: shape(f"M * ({text})"),
        "a statement": statement,
        "an index": lambda text: statement(f"x[{text}, 0]"),
        "a bound": lambda text: statement(f"sum[j < {text}](1.0)"),
        "an exponent": lambda text: clause(f"M ^ ({text}) > K << ({text})"),
    }.items()
}
NUMBERS |= {
    "constants that square": spec(keys="constants:\n  c0: 3\n" + _lines(64, lambda at: f"  c{at + 1}: c{at} * c{at}")),
    "params that square": spec(
        keys="params:\n  p0: i64 = 3\n"
        + _lines(64, lambda at: f"  p{at + 1}: i64 = p{at} * p{at}")
        + "where: [p64 > 0]"
    ),
    "empty ranges inside of huge ones": statement("sum[k < 1000000000000, j < 0](x[m + k, j])"),
}
MANY: dict[str, str] = {
    "1,000 outputs": spec(
        _lines(1000, lambda at: f"  y{at}[m] = x[m, 0]"), outputs=", ".join(f"y{at}: 'f32[M]'" for at in range(1000))
    ),
    "1,000 inputs": spec(
        "  y[m] = " + " + ".join(f"x{at}[m]" for at in range(90)) + "\n",
        inputs=", ".join(f"x{at}: 'f32[M]'" for at in range(1000)),
    ),
    "1,000 statements": spec(_lines(1000, lambda at: f"  b{at}[m] = x[m, 0]") + "  y[m] = b0[m]\n"),
    "1,000 statements in a chain": spec(
        "  b0[m] = x[m, 0]\n" + _lines(1000, lambda at: f"  b{at + 1}[m] = b{at}[m] + 1") + "  y[m] = b1000[m]\n"
    ),
    "1,000 recurrences": spec(
        _lines(1000, lambda at: f"  r{at}[-1] = 0.0\n  r{at}[t < M] = r{at}[t - 1] + x[t, 0]") + "  y[m] = r0[m]\n"
    ),
    "1,000 additions": spec(_lines(1000, lambda at: "  y[i[m]] += x[m, 0]")),
    "100 axes": spec(
        f"  y[m] = sum[{', '.join(f'k{at}' for at in range(100))}](x[{', '.join(f'k{at}' for at in range(100))}])\n",
        inputs=f"x: 'f32[{', '.join(f'D{at}' for at in range(100))}]', z: 'f32[M]'",
    ),
    "1,000 axes": spec("  y[m] = z[m]\n", inputs=f"x: 'f32[{', '.join(f'D{at}' for at in range(1000))}]', z: 'f32[M]'"),
    "500 clauses": spec(keys="where:\n" + _lines(500, lambda at: f"  - M > {at}")),
    "500 clauses of divisors": spec(keys="where:\n" + _lines(500, lambda at: f"  - M % {at + 2} == 0")),
    "500 clauses that tie": spec(
        inputs="x: 'f32[M, K]', z: 'f32[" + ", ".join(f"D{at}" for at in range(500)) + "]'",
        keys="where:\n" + _lines(499, lambda at: f"  - D{at} <= D{at + 1}"),
    ),
    "500 clauses that contradict": spec(
        keys="where:\n" + _lines(500, lambda at: f"  - M * K != {at} and M > {at} and K % 7 == {at % 7}")
    ),
    "500 equations": spec(
        inputs="x: 'f32[M, K]', z: 'f32[" + ", ".join(f"D{at}" for at in range(500)) + "]'",
        keys="where:\n" + _lines(499, lambda at: f"  - D{at} == 2 * D{at + 1}"),
    ),
    "500 assumptions": spec(keys="where:\n" + _lines(500, lambda at: f"  - all[m](i[m] <= M + {at})")),
    "500 workloads": spec(keys="workloads:\n" + _lines(500, lambda at: f"  - {{name: w{at}, M: {at + 1}, K: 4}}")),
    "500 params": spec(keys="params:\n" + _lines(500, lambda at: f"  p{at}: i32 = {at}")),
    "500 dtypes": spec(keys="dtypes:\n" + _lines(500, lambda at: f"  T{at}: f16 | bf16")),
    "40 dtypes in use": spec(
        "  y[m] = " + " + ".join(f"f32(z{at}[m])" for at in range(40)) + "\n",
        keys="dtypes:\n" + _lines(40, lambda at: f"  T{at}: f16 | bf16 | f32"),
        inputs="x: 'f32[M, K]', " + ", ".join(f"z{at}: 'T{at}[M]'" for at in range(40)),
    ),
    "500 indices that may leave": spec(
        _lines(500, lambda at: f"  b{at}[m] = x[m + {at}, i[m]]") + "  y[m] = x[m, 0]\n"
    ),
    "500 products that may leave": spec(
        _lines(500, lambda at: f"  b{at}[m] = x[(m * {at}) % (K * M + {at}) // (K + m), 0]") + "  y[m] = x[m, 0]\n"
    ),
    "500 divisors": spec(_lines(500, lambda at: f"  b{at}[m] = i[m] // (K * M - {at} * m)") + "  y[m] = x[m, 0]\n"),
    "250 outputs": spec(
        _lines(250, lambda at: f"  y{at}[m] = x[m, 0]"), outputs=", ".join(f"y{at}: 'f32[M]'" for at in range(250))
    ),
    "250 inputs": spec(
        "  y[m] = " + " + ".join(f"x{at}[m]" for at in range(90)) + "\n",
        inputs=", ".join(f"x{at}: 'f32[M]'" for at in range(250)),
    ),
    "250 statements": spec(_lines(250, lambda at: f"  b{at}[m] = x[m, 0]") + "  y[m] = b0[m]\n"),
    "250 statements in a chain": spec(
        "  b0[m] = x[m, 0]\n" + _lines(250, lambda at: f"  b{at + 1}[m] = b{at}[m] + 1") + "  y[m] = b250[m]\n"
    ),
    "120 recurrences": spec(
        _lines(120, lambda at: f"  r{at}[-1] = 0.0\n  r{at}[t < M] = r{at}[t - 1] + x[t, 0]") + "  y[m] = r0[m]\n"
    ),
    "250 additions": spec(_lines(250, lambda at: "  y[i[m]] += x[m, 0]")),
    "250 axes": spec("  y[m] = z[m]\n", inputs=f"x: 'f32[{', '.join(f'D{at}' for at in range(250))}]', z: 'f32[M]'"),
    "250 clauses": spec(keys="where:\n" + _lines(250, lambda at: f"  - M > {at}")),
    "250 clauses of divisors": spec(keys="where:\n" + _lines(250, lambda at: f"  - M % {at + 2} == 0")),
    "250 clauses that tie": spec(
        inputs="x: 'f32[M, K]', z: 'f32[" + ", ".join(f"D{at}" for at in range(250)) + "]'",
        keys="where:\n" + _lines(249, lambda at: f"  - D{at} <= D{at + 1}"),
    ),
    "250 clauses that contradict": spec(
        keys="where:\n" + _lines(250, lambda at: f"  - M * K != {at} and M > {at} and K % 7 == {at % 7}")
    ),
    "250 equations": spec(
        inputs="x: 'f32[M, K]', z: 'f32[" + ", ".join(f"D{at}" for at in range(250)) + "]'",
        keys="where:\n" + _lines(249, lambda at: f"  - D{at} == 2 * D{at + 1}"),
    ),
    "250 assumptions": spec(keys="where:\n" + _lines(250, lambda at: f"  - all[m](i[m] <= M + {at})")),
    "250 workloads": spec(keys="workloads:\n" + _lines(250, lambda at: f"  - {{name: w{at}, M: {at + 1}, K: 4}}")),
    "250 params": spec(keys="params:\n" + _lines(250, lambda at: f"  p{at}: i32 = {at}")),
    "250 dtypes": spec(keys="dtypes:\n" + _lines(250, lambda at: f"  T{at}: f16 | bf16")),
    "250 indices that may leave": spec(
        _lines(250, lambda at: f"  b{at}[m] = x[m + {at}, i[m]]") + "  y[m] = x[m, 0]\n"
    ),
    "250 products that may leave": spec(
        _lines(250, lambda at: f"  b{at}[m] = x[(m * {at}) % (K * M + {at}) // (K + m), 0]") + "  y[m] = x[m, 0]\n"
    ),
    "250 divisors": spec(_lines(250, lambda at: f"  b{at}[m] = i[m] // (K * M - {at} * m)") + "  y[m] = x[m, 0]\n"),
}
_SOUND = spec()
TEXTS: dict[str, str | bytes] = {
    "nothing": b"",
    "a space": " ",
    "a null": "null",
    "a list": "[]",
    "a word": "op",
    "an empty mapping": "{}",
    "Cyrillic а in a key": _SOUND.replace("math:", "mаth:"),
    "Cyrillic х in a name": statement("х[m, 0]"),
    "Greek Κ in a shape": shape("Κ"),
    "fullwidth digits": statement("x[m, ０]"),
    "Arabic digits": statement("x[m, ٠]"),
    "fullwidth digits in a workload": workload("８"),
    "superscripts": statement("x[m, 0]²"),
    "fullwidth brackets": statement("x［m, 0］"),
    "mathematical letters": statement("𝑥[m, 0]"),
    "a minus sign": statement("1 − 1"),
    "a ligature": statement("ﬁ"),
    "zero-width spaces": statement("x\u200b[m, 0]"),
    "zero-width joiners": _SOUND.replace("op:", "o\u200dp:"),
    "a soft hyphen": statement("x\u00ad[m, 0]"),
    "right-to-left marks": statement("x[m, 0] \u202e+ 1\u202c"),
    "isolates": "# \u2066\n" + _SOUND + "# \u2069\n",
    "no-break spaces": _SOUND.replace(": ", ":\u00a0"),
    "no-break spaces in a statement": statement("x[m,\u00a00]"),
    "combining marks": statement("x\u0301[m, 0]"),
    "not normalised": spec("  y[m] = é\n  b[m] = e\u0301\n"),
    "tabs for indentation": _SOUND.replace("  y", "\ty"),
    "tabs between": _SOUND.replace(" = ", "\t=\t"),
    "tabs after keys": _SOUND.replace(": ", ":\t"),
    "CR": _SOUND.replace("\n", "\r"),
    "CRLF": _SOUND.replace("\n", "\r\n"),
    "LF and CR": _SOUND.replace("\n", "\n\r"),
    "NEL": _SOUND.replace("\n", "\x85"),
    "LS": _SOUND.replace("\n", "\u2028"),
    "PS": _SOUND.replace("\n", "\u2029"),
    "form feeds": _SOUND.replace("\n", "\f\n"),
    "vertical tabs": statement("x[m,\v0]"),
    "file separators": statement("x[m,\x1c0]"),
    "NEL in a statement": statement("x[m,\x850]"),
    "LS in a statement": statement("x[m,\u20280]"),
    "a BOM": "\ufeff" + _SOUND,
    "two BOMs": "\ufeff\ufeff" + _SOUND,
    "a BOM inside": _SOUND.replace("math", "\ufeffmath"),
    "NUL": _SOUND.replace("probe", "pro\0be"),
    "NUL at the end": _SOUND + "\0",
    "an escape": _SOUND.replace("probe", "\x1b[31m"),
    "DEL": _SOUND.replace("probe", "\x7f"),
    "UTF-16": _SOUND.encode("utf-16"),
    "UTF-16 without BOM": _SOUND.encode("utf-16-le"),
    "UTF-32": _SOUND.encode("utf-32"),
    "Latin-1": _SOUND.replace("A probe", "é").encode("latin-1"),
    "half a pair": _SOUND.replace("A probe", "\ud800").encode("utf-8", "surrogatepass"),
    "overlong": b"op: \xc0\xaf\n",
    "not a character": _SOUND.replace("A probe", "\uffff\ufffe"),
    "beyond the first plane": _SOUND.replace("A probe", "\U0010ffff𝒳"),
    "half a pair by escape": 'op: "\\ud800"',
    "a pair by escape": 'op: "\\ud83d\\ude00"',
    "an escape that is no character": 'op: "\\U00110000"',
    "escapes in a statement": spec().replace("math: |\n  y[m] = x[m, 0]\n", 'math: "y[m] = x[m, \\u0030]"\n'),
    "an anchor": _SOUND.replace("op: ", "op: &a "),
    "an alias": _SOUND + "family: *a\n",
    "anchor and alias": "op: &a probe\nsummary: *a\n",
    "an alias to itself": "op: &a [*a]\n",
    "an alias bomb": _aliases(30),
    "a key that is an alias": "&a op: probe\n*a : b\n",
    "a merge key": "base: &b {op: probe}\n<<: *b\n",
    "a merge key of words": _SOUND + "<<: {family: x}\n",
    "merge keys in a list": "<<: [{a: 1}, {b: 2}]\n",
    "two merge keys": "<<: {a: 1}\n<<: {b: 2}\n",
    "a tag": _SOUND.replace("op: ", "op: !!str "),
    "a Python tag": "op: !!python/object/apply:os.system [ls]\n",
    "a tag alone": "!",
    "a tag on a mapping": "!!omap\nop: probe\n",
    "a set": "!!set {a, b}\n",
    "a verbatim tag": "op: !<tag:yaml.org,2002:str> probe\n",
    "several documents": _SOUND + "---\n" + _SOUND,
    "an end of document": _SOUND + "...\n",
    "text after the end": _SOUND + "...\nop: probe\n",
    "a directive": "%YAML 1.1\n---\n" + _SOUND,
    "two directives": "%YAML 1.2\n%TAG ! x\n---\n",
    "only a directive": "%",
    "reserved indicators": "op: @probe\nsummary: `a`\n",
    "numbers for keys": "1: 2\n1.0: 3\n0x1: 4\n",
    "null for a key": "~: 1\nnull: 2\n: 3\n",
    "a list for a key": "? [a]\n: b\n",
    "a mapping for a key": "{a: b}: c\n",
    "dates": "op: 2020-01-01\n",
    "sexagesimals": workload("1:30"),
    "octals": workload("0o17"),
    "yes and no": workload("yes"),
    "huge folded text": "summary: >\n" + "  word\n" * 30_000,
    "blocks that say where they begin": "op: |9\n   x\n",
    "odd blocks": "op: |--\n x\nsummary: >+2-\n",
    "an empty block": spec().replace(_MATH, "math: |\n"),
    "comments alone": "# one\n# two\n",
    "a comment in a string": _SOUND.replace("'f32[M, K]'", "'f32[M, # c\n K]'"),
}
