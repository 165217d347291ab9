"""The chapter: the lecture's order, everything at its place once, formulas that are MathML."""

import copy
import re
from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree

import pytest
from conftest import SETTINGS, joined
from test_report_page import Page

from reglab.core.registry import find, names
from reglab.evaluation.settings import Lecture
from reglab.experiments.pages import render
from reglab.report import chapter
from reglab.report.chapter import PARTS, place_in, place_of
from reglab.report.collect import collect
from reglab.report.parts import ChapterEntry, Claimed, chapter_entries
from reglab.report.study import Study
from reglab.training.regularizer import Regularizer

CLAIM = {
    "says": "L1 gives sparse <weights>",
    "lecture": "l1",
    "metric": "zero_weights",
    "recipe": "l1",
    "versus": "none",
    "versus_metric": None,
    "direction": "higher",
    "margin": None,
    "value": 0.9,
    "versus_value": 0.0,
    "difference": 0.9,
    "low": 0.88,
    "high": 0.92,
    "p_holm": 0.01,
    "verdict": "supported",
    "evidence": "10 pairs of seeds",
}
OTHERS = {
    "norms": {"lecture": "early_stopping", "metric": "distance_from_start", "value": 12.0, "versus_value": 20.0}
    | {"recipe": "early_stopping", "direction": "lower", "difference": -8.0, "low": -9.0, "high": -7.0},
    "third": {
        "lecture": "bagging",
        "metric": "distinct_share",
        "recipe": "dropout",
        "versus": 0.632,
        "direction": "same",
    }
    | {"value": 0.6, "versus_value": 0.632, "difference": -0.032, "low": None, "high": None, "verdict": "cannot tell"},
}
CLAIMS = {"sparse": CLAIM} | {name: CLAIM | changes for name, changes in OTHERS.items()}


@pytest.fixture
def entries(study):
    runs, expected, _ = study
    return collect(runs, expected)


@pytest.fixture
def text(entries, study):
    return joined(render(entries, study[2] | {"claims": CLAIMS}, SETTINGS))


def test_the_chapter_has_the_sections_of_the_lecture_in_its_order(text):
    assert tuple(part.id for part in PARTS) == get_args(Lecture)
    *lecture, last = get_args(Lecture)
    assert last == "other_techniques"  # shown where there are some
    assert re.findall(r'<article class="topic part" id="lecture-([^"]+)"', text) == lecture


def test_every_technique_and_every_topic_stands_where_its_file_says():
    for family in ("regularizers", "ensembles", "multitask", "theory"):
        for name in names(family):
            assert place_in(family, name).id == find(family, name).lecture
            assert family == "theory" or place_of(name) is place_in(family, name)
    places = {
        "none": "regularization",
        "max_norm": "constrained_optimization",
        "elastic_net": "l1",
        "cutmix": "data_augmentation",
    }
    places |= {"label_smoothing": "noise", "weight_averaging": "early_stopping", "soft_tied": "tying_and_sharing"}
    places |= {"k_sparse": "sparse_representations", "heterogeneous": "bagging", "boosting": "boosting"}
    places |= {"dropout_average": "dropout", "trades": "adversarial_training", "weight_decay": "weight_decay"}
    assert {name: place_of(name).id for name in places} == places
    topics = {
        "lagrangian": "constrained_optimization",
        "gabor": "norm_penalties",
        "lasso": "l1",
        "weight_growth": "noise",
    }
    assert {name: place_in("theory", name).id for name in topics} == topics


def test_all_families_have_a_section():
    assert {"semi_supervised", "transfer", "multitask", "pretraining", "augmentation", "attacks"} == {
        family for part in PARTS for family in part.families
    }


def test_every_check_of_the_theory_stands_in_the_chapter_once(entries, study):
    entries = copy.deepcopy(entries)
    gabor = next(entry for entry in entries if entry.name == "gabor")
    gabor.record["checks"][0]["technique"] = "dropout"
    result = chapter_entries(Study(entries, study[2], SETTINGS, ""), {})
    wanted = [check for entry in entries for check in entry.record["checks"]]
    shown = [check for part in result for check in part.checks]
    assert len(shown) == len(wanted) and all(check in shown for check in wanted)
    at_dropout = next(part for part in result if part.part.id == "dropout")
    assert [check["technique"] for check in at_dropout.checks] == ["dropout"]


def test_a_combination_stands_with_each_of_its_techniques(entries, study):
    result = chapter_entries(Study(entries, study[2], SETTINGS, ""), {})
    homes = [part.part.id for part in result for entry in part.entries if entry.name == "dropout_and_input_noise"]
    assert homes == ["noise", "dropout"]


def test_what_the_lecture_does_not_have_stands_behind_it_with_the_checks_of_its_own_record(entries, study, monkeypatch):
    lasso = next(entry for entry in entries if (entry.family, entry.name) == ("regularizers", "l1"))
    monkeypatch.setattr(chapter, "names", lambda family: ["mine", *names(family)])
    monkeypatch.setattr(chapter, "find", lambda family, name: Regularizer if name == "mine" else find(family, name))
    check = {"name": "it is itself", "gap": 0.0, "tolerance": 0.0, "passed": True, "technique": "mine"}
    mine = replace(lasso, record=lasso.record | {"name": "mine", "technique": ["mine"], "checks": [check]})
    *lecture, last = chapter_entries(Study([*entries, mine], study[2], SETTINGS, ""), {})
    assert [part.part.id for part in lecture] == list(get_args(Lecture))[:-1]
    assert last.part.title == "Other techniques" and last.entries == [mine] and last.checks == [check]
    assert all(mine not in part.entries for part in lecture)


def test_every_claim_stands_in_its_section_with_verdict_effect_and_evidence(text):
    assert sorted(result for result in Page(text).ids if result.startswith("claim-")) == [
        "claim-norms",
        "claim-sparse",
        "claim-third",
    ]
    for name, claim in CLAIMS.items():
        article = re.search(rf'id="lecture-{claim["lecture"]}".*?</article>', text, re.DOTALL)[0]
        row = re.search(rf'<tr id="claim-{name}">.*?</tr>', article, re.DOTALL)[0]
        assert claim["verdict"] in row and "10 pairs of seeds" in row and "&lt;weights&gt;" in row
    assert "2 supported, 1 cannot tell" in text


def test_a_claim_that_one_seed_turns_is_marked_and_the_least_p_value_is_told_once(entries, study):
    floor = {"p": 2.0**-9, "p_holm": 0.0196, "over": "seeds"}
    over_examples = CLAIM | {"p": 1e-60, "p_holm": 1e-58, "over": "examples"}
    claims = {"sparse": CLAIM | floor, "other": CLAIM | floor, "many": over_examples}
    claims["near"] = CLAIM | {"p": 0.01, "p_holm": 0.04, "over": "seeds", "turns_without": {"7": "cannot tell"}}
    claims["small"] = CLAIM | {"p": 0.002, "p_holm": 0.03, "over": "seeds", "verdict": "no relevant difference"}
    text = joined(render(entries, study[2] | {"claims": claims}, SETTINGS))
    rows = {
        name: re.search(rf'<tr id="claim-{name}">.*?</tr>', text, re.DOTALL)[0].replace("&nbsp;", " ")
        for name in claims
    }
    assert {name for name, row in rows.items() if "; p " not in row} == {"sparse", "other"}
    assert [name for name, row in rows.items() if "‡" in row] == ["near"] and "cannot tell without seed 7" in rows[
        "near"
    ]
    assert text.count("where none stands it is 0.020") == 1 and "v-no-relevant-difference" in rows["small"]
    assert "1 no relevant difference" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sparse", "+90.0 (+88.0 to +92.0)"),
        ("norms", "−8 (−9 to −7)"),
        ("third", "−3.2"),
    ],
)
def test_an_effect_is_told_in_the_units_of_its_metric(name, words):
    assert Claimed(name, CLAIMS[name], None).effect == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "zero weights of l1: higher than none"),
        ({"direction": "lower", "margin": 0.02}, "zero weights of l1: lower than none by more than 2.0 %"),
        ({"direction": "same", "versus": 0.632, "margin": 0.01}, "zero weights of l1: the same as 63.2 % within 1.0 %"),
        ({"versus_metric": "test_accuracy"}, "zero weights of l1: higher than test accuracy of none"),
    ],
)
def test_what_was_claimed_is_told_in_words(entries, study, changes, words):
    claim = Claimed("sparse", CLAIM | changes, Study(entries, study[2], SETTINGS, ""))
    assert claim.compared.striptags().replace("\u00a0", " ") == words
    assert 'href="#regularizers-l1"' in claim.compared


def test_what_a_section_sends_to_is_there(entries, study):
    [first, *_] = chapter_entries(Study(entries, study[2], SETTINGS, ""), {"answer": "The answer"})
    assert first.see == {"answer": "The answer"}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)
def test_formulas_are_well_formed_mathml_with_nothing_left_of_latex(part):
    """What latex2mathml does not know it hands on as it stands."""
    shown = ChapterEntry(part, [], [], [], [], {}).formulas
    assert len(shown) == len(part.formulas)
    for formula in shown:
        root = ElementTree.fromstring(formula)
        children = {
            "mfrac": 2,
            "msub": 2,
            "msup": 2,
            "msubsup": 3,
            "munder": 2,
            "mover": 2,
            "munderover": 3,
            "mroot": 2,
        }
        nodes = [(node.tag.rpartition("}")[2], node) for node in root.iter()]
        assert all(len(node) == children.get(tag, len(node)) for tag, node in nodes)
        assert nodes[0][0] == "math" and root.get("display") == "block"
        assert not set("^_\\") & set("".join(node.text or "" for tag, node in nodes if tag != "mo"))


def test_a_technique_is_found_where_it_stands():
    assert place_of("mixup").id == "data_augmentation" and place_of("not_a_technique") is None
