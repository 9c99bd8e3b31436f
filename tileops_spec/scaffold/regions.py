"""The regions of kernel.py that are not the templates': finding, reading and replacing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics.diagnostic import Diagnostic, Label
from ..diagnostics.text import Span
from .body import Body, Tunable
from .errors import ScaffoldError
from .indentation import dedent_code, indent_code

_MARK = re.compile(r"^[ \t]*# tospec: (?P<region>body|tunables) (?P<edge>begin|end)\b(?P<rest>[^\r\n]*)$", re.M)
_HASH = re.compile(r"\bsha256=([0-9a-f]+)")
_REGIONS = ("tunables", "body")
HASH_LENGTH = 16


class RegionError(ScaffoldError):
    """The marks of a region are missing or damaged; `diagnostics` holds one TS306 for each fault."""


@dataclass(frozen=True, slots=True)
class Region:
    """The text between two marks is `[start, end)`; `mark_start` and `mark_end` enclose the marks' lines as well."""

    mark_start: int
    start: int
    end: int
    mark_end: int
    rest: str


def extract_body(text: str, *, path: str = "kernel.py") -> Body:
    """The body and tunables of a kernel.py; RegionError (TS306) where the marks do not delimit them."""
    regions = find_regions(text, path)
    code = text[regions["body"].start : regions["body"].end]
    return Body(dedent_code(code), _read_tunables(text, regions["tunables"], path))


def outside_body(text: str, *, path: str = "kernel.py") -> str:
    """The text that belongs to the templates: both regions emptied, and their marks without hashes."""
    regions = find_regions(text, path)
    for name in sorted(regions, key=lambda name: -regions[name].start):
        region = regions[name]
        text = text[: region.mark_start] + f"# tospec: {name}\n" + text[region.mark_end :]
    return text


def replace_body(text: str, code: str) -> str:
    """The text with other code in its body region, at the depth of the marks and with no blank lines around it; the
    mark carries no hash.

    ValueError where `code` itself holds a mark: it would end the region early.
    """
    if has_marks(code):
        raise ValueError("the body contains a `# tospec:` mark")
    region = find_regions(text)["body"]
    depth = _depth_at(text, region.mark_start)
    begin = f"{' ' * depth}# tospec: body begin\n"
    return text[: region.mark_start] + begin + indent_code(dedent_code(code), depth) + text[region.end :]


def sign_body(text: str, *, path: str = "kernel.py") -> str:
    """The text with the hash of its body in the begin mark: informative, an edit of the body is legal."""
    sha256 = extract_body(text, path=path).sha256[:HASH_LENGTH]
    region = find_regions(text, path)["body"]
    depth = _depth_at(text, region.mark_start)
    begin = f"{' ' * depth}# tospec: body begin sha256={sha256}\n"
    return text[: region.mark_start] + begin + text[region.start :]


def body_was_edited(text: str, *, path: str = "kernel.py") -> bool:
    """Whether the body differs from the one that the begin mark was signed for; False without a hash."""
    signed = _HASH.search(find_regions(text, path)["body"].rest)
    return signed is not None and not extract_body(text, path=path).sha256.startswith(signed[1])


def body_span(text: str, *, path: str = "kernel.py") -> Span:
    """Where the body's code lies in the file: diagnostics about the body are shifted by this."""
    region = find_regions(text, path)["body"]
    return Span(path, region.start, region.end)


def has_marks(code: str) -> bool:
    """Whether a line of the code is a mark of a region."""
    return _MARK.search(code) is not None


def find_regions(text: str, path: str = "kernel.py") -> dict[str, Region]:
    """Both regions of a kernel.py, tunables and body; RegionError with every fault otherwise."""
    marks: dict[tuple[str, str], list[re.Match[str]]] = {}
    for mark in _MARK.finditer(text):
        marks.setdefault((mark["region"], mark["edge"]), []).append(mark)
    faults = tuple(fault for name in _REGIONS for fault in _faults(name, marks, text, path))
    if faults:
        raise RegionError(*faults)
    return {name: _region(marks[name, "begin"][0], marks[name, "end"][0], text) for name in _REGIONS}


def _region(begin: re.Match[str], end: re.Match[str], text: str) -> Region:
    return Region(begin.start(), _next_line(text, begin.end()), end.start(), _next_line(text, end.end()), begin["rest"])


def _next_line(text: str, offset: int) -> int:
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def _depth_at(text: str, offset: int) -> int:
    return len(re.match(r"[ \t]*", text[offset:])[0])  # type: ignore[index]


def _faults(name: str, marks: dict, text: str, path: str) -> Iterator[Diagnostic]:
    for edge in ("begin", "end"):
        found = marks.get((name, edge), [])
        if not found:
            yield _fault(f"the mark `# tospec: {name} {edge}` is missing", Span(path, 0, min(1, len(text))))
        elif len(found) > 1:
            first, second = (Span(path, mark.start(), mark.end()) for mark in found[:2])
            labels = (Label(span=first, text="first here"),)
            yield _fault(f"the mark `# tospec: {name} {edge}` stands {len(found)} times", second, labels)
    begins, ends = marks.get((name, "begin"), []), marks.get((name, "end"), [])
    if len(begins) == len(ends) == 1 and ends[0].start() < begins[0].start():
        span = Span(path, ends[0].start(), ends[0].end())
        yield _fault(f"the mark `# tospec: {name} end` stands above its begin", span)


def _fault(message: str, span: Span, labels: tuple[Label, ...] = ()) -> Diagnostic:
    help_text = "put the marks back as `tospec diff` shows them, or take the file from version control"
    return Diagnostic(code="TS306", message=message, span=span, labels=labels, help=help_text)


def _read_tunables(text: str, region: Region, path: str) -> tuple[tuple[str, tuple[Tunable, ...]], ...]:
    """`TUNABLES = {"block_M": (128, 64)}` as data; nothing of the file is executed."""
    try:
        (statement,) = ast.parse(text[region.start : region.end]).body
        table = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
        return tuple((str(name), _candidates(values)) for name, values in table.items())
    except (SyntaxError, ValueError, TypeError, AttributeError) as error:
        message = "the tunables region does not hold one `TUNABLES = {name: (candidates, …)}` of literals"
        span = Span(path, region.start, region.end)
        help_text = 'write e.g. `TUNABLES = {"block_M": (128, 64)}`; the first candidate is the default'
        diagnostic = Diagnostic(code="TS306", message=message, span=span, help=help_text)
        raise RegionError(diagnostic) from error


def _candidates(values: object) -> tuple[Tunable, ...]:
    candidates = tuple(values)  # type: ignore[call-overload]
    if not candidates or not all(isinstance(value, int | float | bool | str) for value in candidates):
        raise ValueError(f"{values!r} is no list of numbers, booleans or strings")
    return candidates
