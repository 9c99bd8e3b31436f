"""Every code that a finding can carry, registered once.

TS0xx files and YAML; TS1xx the language; TS2xx mathematics against references; TS3xx scaffold and lock; TS4xx gates;
TS5xx filling; TS9xx the environment. The long explanation that `tospec explain TSnnn` prints is the code's page under
`docs/rules/`, shipped with the package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`summary` completes the sentence "this finding means that …"."""

    id: str
    name: str
    summary: str


_ROWS = (
    # files and YAML
    ("TS001", "unreadable-file", "the file does not exist or cannot be read as UTF-8 text"),
    ("TS002", "invalid-yaml", "the file is not valid YAML 1.2"),
    ("TS003", "unknown-key", "a key is not one that a spec has"),
    ("TS004", "duplicate-key", "a key stands twice in one mapping"),
    ("TS005", "missing-key", "a key that every spec needs is not there"),
    ("TS006", "wrong-value", "a value has the wrong form for its key"),
    ("TS007", "too-many-errors", "a spec has more errors than are reported at once"),
    # the language
    ("TS101", "syntax", "a DSL string does not parse"),
    ("TS102", "unknown-name", "a name is used that nothing defines"),
    ("TS103", "wrong-rank", "a tensor is indexed with the wrong number of indices"),
    ("TS104", "unknown-dtype", "a dtype does not exist"),
    ("TS105", "duplicate-name", "two things share one name"),
    ("TS106", "unknown-function", "a function is called that the language does not have"),
    ("TS107", "wrong-arguments", "a function is called with the wrong arguments"),
    ("TS108", "extent-conflict", "one index variable runs over two different extents"),
    ("TS109", "unknown-extent", "nothing says how far an index variable runs"),
    ("TS110", "output-undefined", "an output is not defined by the mathematics"),
    ("TS111", "use-before-definition", "a name is used above the statement that defines it"),
    ("TS112", "wrong-dtype", "an operation is applied to a dtype that it does not have"),
    ("TS113", "ambiguous-dtype", "the dtype of an operation depends on the choice of a dtype variable"),
    ("TS114", "unbound-index", "an index variable is neither on the left-hand side nor reduced over"),
    ("TS115", "spread-misuse", "a group of axes is used where a single axis is meant, or the other way round"),
    ("TS116", "bad-workload", "a workload misses a dim, names an unknown one, or violates `where`"),
    ("TS117", "bad-left-side", "the left-hand side of a statement has the wrong form"),
    ("TS118", "unknown-target", "a hardware target or feature does not exist"),
    ("TS119", "feature-unavailable", "a required hardware feature cannot serve this spec"),
    ("TS120", "unsatisfiable", "no shape satisfies the `where` clauses"),
    ("TS121", "unused-name", "something is declared and never used"),
    ("TS122", "narrow-accumulation", "a reduction accumulates in a float of 16 bits or fewer"),
    ("TS123", "partly-defined", "the mathematics leaves elements of an output undefined"),
    ("TS124", "ill-founded-recurrence", "a recurrence reads what it has not computed yet"),
    ("TS125", "index-out-of-range", "an index can leave its tensor"),
    ("TS126", "unproved", "a proof about an index or the clauses did not end within its limit"),
    ("TS127", "bad-suppression", "a suppression comment has no reason or names no code"),
    ("TS128", "unused-suppression", "a suppression comment suppresses nothing"),
    ("TS129", "bad-reference-expression", "a reference is not a Python expression over the spec's names"),
    ("TS130", "undetermined-dim", "a dim cannot be read off the shapes of the required inputs"),
    ("TS131", "division-by-zero", "an integer may be divided by zero"),
    ("TS132", "no-mathematics", "the spec has a reference but no mathematics, so little can be derived"),
    ("TS133", "idle-clause", "a `where` clause holds always, or follows from the others"),
    ("TS134", "late-widening", "a value is computed in few bits and widened only afterwards"),
    ("TS135", "needless-width", "the mathematics computes in f64 although nothing that goes in or out is f64"),
    ("TS136", "bad-default", "a param's default violates `where` or does not fit in its dtype"),
    ("TS137", "rounded-equality", "floats that were rounded are compared for equality"),
    ("TS138", "idle-rounding", "a cast rounds a value that is widened again at once"),
    ("TS139", "narrow-arithmetic", "an operation in the middle of the mathematics rounds to 16 bits"),
    ("TS140", "idle-cast", "a value is cast to the dtype that it has"),
    ("TS141", "idle-conversion", "a reference converts an input to what it is"),
    ("TS142", "narrow-index", "a tensor of indices has too few bits for what it points into"),
    ("TS143", "bad-tolerance", "an override of the derived tolerance has no reason, or a factor out of range"),
    # mathematics against references
    ("TS201", "reference-disagrees", "the mathematics and a reference give different values"),
    ("TS202", "reference-failed", "a reference raises an error or returns the wrong thing"),
    ("TS203", "reference-dtype", "a reference returns an output in another dtype than the spec declares"),
    # scaffold and lock
    ("TS301", "drift", "a generated file was edited outside its body region"),
    ("TS302", "stale-body", "the committed body was written for another contract"),
    ("TS303", "missing-body", "there is no body for this op yet"),
    ("TS304", "lock-mismatch", "the lock does not describe what is on disk"),
    ("TS305", "busy", "another tospec is writing to this tree"),
    ("TS306", "broken-region", "the marks of a body region are missing or damaged"),
    # gates
    ("TS401", "body-syntax", "the body is not valid Python"),
    ("TS402", "forbidden-statement", "the body uses a statement that a kernel body may not use"),
    ("TS403", "forbidden-name", "the body uses a name or attribute outside the allowlist"),
    ("TS404", "bad-tunables", "the tunables are not names with lists of numbers or booleans"),
    ("TS405", "anti-pattern", "the body does something that is known to go wrong in TileLang"),
    ("TS406", "foreign-code", "the traced kernel holds code, or orders, for another compiler"),
    ("TS407", "work-missing", "the traced kernel leaves out an input that the mathematics needs, or an output"),
    ("TS408", "untested-branch", "the kernel branches on an extent at a value that no test can reach"),
    ("TS411", "does-not-lower", "TileLang cannot lower the body"),
    ("TS412", "feature-missing", "the generated CUDA lacks a required hardware feature"),
    ("TS421", "does-not-compile", "nvcc rejects the generated CUDA"),
    ("TS422", "over-resources", "the kernel needs more registers, shared memory or threads than the target has"),
    ("TS431", "wrong-value", "the kernel computes a value outside the error bound"),
    ("TS432", "memory-error", "the kernel reads unwritten memory, leaves a buffer, races, or deadlocks"),
    ("TS433", "crashed", "the kernel's process died"),
    ("TS434", "timed-out", "the kernel did not end within the time limit"),
    ("TS435", "unsupported", "the simulator does not know a construct that the body uses"),
    ("TS436", "output-unwritten", "the kernel leaves part of an output unwritten"),
    ("TS437", "input-changed", "the kernel writes to an input"),
    ("TS441", "stale-case", "a saved case is not one that the spec allows"),
    ("TS442", "guard-damaged", "on the GPU the kernel writes outside of its tensors"),
    ("TS443", "call-dependent", "on the GPU a later call, or other pointers, give another result"),
    ("TS444", "not-deterministic", "on the GPU the same call gives results that differ"),
    ("TS445", "stream-ignored", "on the GPU the kernel does not keep to the caller's stream"),
    ("TS446", "graph-differs", "the kernel cannot be captured in a CUDA graph, or its replay gives another result"),
    ("TS447", "device-ignored", "with another current device than the first the kernel gives another result"),
    ("TS448", "launch-failed", "the kernel cannot be launched on the GPU, or faults there"),
    ("TS449", "sanitizer-error", "compute-sanitizer reports an error of the kernel"),
    ("TS451", "incomplete-package", "a generated package lacks a file, a definition or a test"),
    ("TS452", "wrong-layer", "a generated module imports what its layer may not know"),
    ("TS453", "not-exported", "a generated package does not export its operator"),
    # filling
    ("TS461", "not-tunable", "there is nothing to tune: no body, no tunables, or none that can be traced"),
    ("TS501", "provider-failed", "the provider gave no answer"),
    ("TS502", "malformed-answer", "the answer holds no body in the form asked for"),
    ("TS503", "attempts-exhausted", "no attempt passed the gates"),
    # the environment
    ("TS901", "tool-missing", "a tool that this command needs is not installed"),
    ("TS902", "bad-configuration", "`[tool.tospec]` in pyproject.toml has an unknown key or a wrong value"),
)

CODES: dict[str, Code] = {row[0]: Code(*row) for row in _ROWS}
