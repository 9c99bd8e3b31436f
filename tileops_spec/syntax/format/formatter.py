"""From the text of a spec to its formatted text."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import SourceText
from ...source.yaml_tree import Mapping, parse_yaml
from .comments import read_body
from .meaning import meaning_of
from .write import write_document


class Unfaithful(Exception):
    """The formatted text would not say what the file says: a bug of the formatter, and no reason to lose the file."""


def format_spec(source: SourceText, sink: Sink) -> str | None:
    """The text of a spec in its one form, with `\\n` line ends; what is in that form already comes back unchanged.

    Where the file is not YAML, or a string of it does not parse, that goes to the sink, and None comes back; nothing
    else is checked. Raises Unfaithful rather than give back a text of another meaning.
    """
    before = _read(source, sink)
    if before is None:
        return None
    root, meaning = before
    text = write_document(source, read_body(source, root))
    own = Sink()
    after = _read(SourceText(source.path, text), own)
    if after is None or after[1] != meaning:
        raise Unfaithful(f"formatting {source.path} would change what it says")
    return text


def _read(source: SourceText, sink: Sink) -> tuple[Mapping, object] | None:
    """The file and its meaning; None where there are findings."""
    own = Sink()
    root = parse_yaml(source, own)
    if root is not None and not isinstance(root, Mapping):
        own.error("TS006", "a spec is a mapping of keys", root.span, help="it begins with `op:` and `summary:`")
    meaning = meaning_of(source, root, own) if isinstance(root, Mapping) and not own.diagnostics else None
    sink.extend(own.diagnostics)
    return None if own.diagnostics or not isinstance(root, Mapping) else (root, meaning)
