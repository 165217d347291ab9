"""How many seeds each recipe has, and the confidence of its interval, in the words of the report."""

from types import SimpleNamespace

from reglab.report import looked

SETTINGS = {"seeds": 11, "evaluation": {"confidence": 0.95}}
LOOKS = {"seeds": [11, 22, 44], "nominal": [0.0375, 0.0109, 0.0103], "first_share": 0.75}


def row(name: str, seeds: int | None = None, confidence: float = 0.95, **kind: bool) -> SimpleNamespace:
    numbers = {"look": {"number": 1, "seeds": seeds, "confidence": confidence}} if seeds else {}
    return SimpleNamespace(
        name=name, id=f"regularizers-{name}", numbers=numbers, **{"classical": False, "reference": False} | kind
    )


NONE = row("none", reference=True)
GROWN = [NONE, row("l1", 22, 0.9891), row("dropout", 11, 0.9625), row("svm", classical=True)]


def test_a_study_without_looks_reads_as_before():
    plain = [NONE, row("l1"), row("dropout")]
    assert looked.seeds_in_words(plain, SETTINGS) == "11 seeds" and looked.seeds_in_words([], SETTINGS) == "11 seeds"
    assert looked.confidence_in_words(plain, SETTINGS) == "95\u00a0%"
    assert looked.sentences(plain, None, SETTINGS) is None
    assert looked.percentage(looked.confidence_of(plain[1], SETTINGS)) == "95"


def test_different_seeds_and_confidences_are_a_range_without_reference_and_classical_methods():
    assert looked.seeds_in_words(GROWN, SETTINGS) == "11 to 22 seeds"
    assert looked.confidence_in_words(GROWN, SETTINGS) == "96.2 to 98.9\u00a0%"
    assert looked.seeds_in_words([NONE, GROWN[1]], SETTINGS) == "22 seeds"  # of differences: none has none
    assert looked.seeds_of(GROWN[1], SETTINGS) == 22 and looked.confidence_of(GROWN[1], SETTINGS) == 0.9891


def test_who_has_more_seeds_is_named_with_the_levels_of_the_looks():
    text = looked.sentences(GROWN, LOOKS, SETTINGS).striptags()
    assert text.startswith(
        "Every recipe began with 11 seeds. Undecided ones that 44 or fewer could decide got more: l1 22."
    )
    assert "at 11, 22 and 44 seeds" in text and "at most 0.0375, 0.0109 and 0.0103" in text
    assert "5 % of studies" in text and text.endswith("96.2 %, 98.9 % and 99 %.")


def test_where_nobody_has_more_that_is_said():
    text = looked.sentences([NONE, row("dropout", 11, 0.9625)], LOOKS, SETTINGS)
    assert text.startswith("Every recipe has 11 seeds: no undecided one could be decided by 44. Looks were planned")
