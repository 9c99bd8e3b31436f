"""Patterns and anti-patterns: read, checked, selected."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tileops_spec.knowledge.antipatterns import load_antipatterns
from tileops_spec.knowledge.documents import KnowledgeError
from tileops_spec.knowledge.patterns import Pattern, load_pattern, load_patterns, select_patterns

YAML = """\
id: probe
title: A probe
when: [wgmma, tma]
needs: {target: [sm_90a], tilelang: ">=0.1.15"}
proves: [wgmma]
example: {N: 1024, dtype: float16}
source: somewhere
advice: Use it.
"""


@dataclass(frozen=True)
class Feature:
    name: str
    present: bool = True


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "pattern.yaml").write_text(YAML)
    (folder / "snippet.py").write_text("x = 1\n")
    return folder


def test_a_pattern_is_read_with_its_snippet(folder):
    pattern = load_pattern(folder)
    assert (pattern.when, pattern.code, pattern.example) == (
        ("wgmma", "tma"),
        "x = 1",
        {"N": 1024, "dtype": "float16"},
    )
    assert pattern.serves("sm_90a")
    assert not pattern.serves("sm_80")
    assert load_patterns(folder.parent) == (pattern,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title: A probe\n", ""), "title: Field required"),
        (("advice:", "advise:"), "advise"),
        (("when: [wgmma, tma]", "when: []"), "when"),
        (("id: probe", "id: other"), "not the folder's name"),
        (("when: [", "when: ]["), "pattern.yaml"),
    ],
)
def test_a_wrong_pattern_names_file_and_key(folder, change, message):
    (folder / "pattern.yaml").write_text(YAML.replace(*change))
    with pytest.raises(KnowledgeError, match=message) as caught:
        load_pattern(folder)
    assert "pattern.yaml" in str(caught.value)


def pattern(name, *when, target=()):
    return Pattern(id=name, title=name, when=when, needs={"target": target}, advice="a")


def test_selection_wants_all_features_and_puts_the_most_specific_first():
    known = (
        pattern("b", "wgmma"),
        pattern("a", "wgmma"),
        pattern("both", "wgmma", "tma"),
        pattern("absent", "wgmma", "pipeline"),
        pattern("other-target", "wgmma", target=("sm_80",)),
    )
    features = [Feature("wgmma"), Feature("tma"), Feature("pipeline", present=False)]
    chosen = select_patterns(features, target="sm_90a", patterns=known)
    assert [each.id for each in chosen] == ["both", "a", "b"]
    assert select_patterns([], target="sm_90a", patterns=known) == ()


def test_the_patterns_that_ship():
    patterns = load_patterns()
    assert {"tiled-gemm-wgmma", "row-reduction", "flash-attention"} <= {each.id for each in patterns}
    for each in patterns:
        assert each.code, each.id
        assert each.advice, each.id
        compile(each.code, each.id, "exec")
    features = [Feature(name) for name in ("wgmma", "tma", "online-softmax", "chained-contraction")]
    assert select_patterns(features, target="sm_90a")[0].id == "flash-attention"


def test_the_antipatterns_that_ship():
    found = load_antipatterns()
    assert len(found) >= 28
    assert all(each.title and each.text and each.evidence for each in found)


def test_a_code_stands_once(tmp_path):
    path = tmp_path / "antipatterns.yaml"
    path.write_text("- {code: A, title: t, text: t}\n- {code: A, title: t, text: t}\n")
    with pytest.raises(KnowledgeError, match="A: the code stands twice"):
        load_antipatterns(path)


def test_a_pattern_is_left_out_where_a_feature_makes_it_pointless() -> None:
    dynamic = Feature("dynamic-shape")
    (chosen,) = select_patterns([dynamic, Feature("tma", False)], target="sm_90a")
    assert chosen.id == "elementwise"
    (chosen,) = select_patterns([dynamic, Feature("row-reduction")], target="sm_90a")
    assert chosen.id == "row-reduction"
