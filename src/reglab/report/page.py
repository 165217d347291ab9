"""The pages of the report. A new section is a function of the `Study`, a template, and a place in PAGES."""

from reglab.evaluation.comparison import COMPARED
from reglab.evaluation.statistics import smallest_seeds
from reglab.report import (
    answer,
    applicable,
    best_set,
    bias_variance_figure,
    curves,
    leak,
    looked,
    nearness,
    panels,
    pareto,
    parts,
    standings,
    tables,
    tuned_answer,
)
from reglab.report.drawings import drawn, picture
from reglab.report.measure import ACCURACY, HAMMING_LOSS, RMSE
from reglab.report.study import Section, Study, body


def answer_section(study: Study) -> Section:
    table = tuned_answer.rows(study.entries, study.metrics, study.measure)
    again = tuned_answer.tuned_again(study.entries, study.metrics, study.settings, study.measure) if table else []
    values = {
        "tuned": table,
        "tuned_answer": tuned_answer.answer(table, study.settings) if table else None,
        "tuned_points": tuned_answer.points_to_know(table, study.settings, study.metrics) if table else [],
        "tuned_inapplicable": study.inapplicable(tuned_answer.TUNED),
        "tuned_again": again,
        "headline": answer.headline(study.rows, study.settings),
        "points": [
            *best_set.of_family("as configured", study.rows, study.settings, study.metrics),
            *answer.points_to_know(study.rows, study.settings, study.metrics),
            *leak.point(study.metrics, study.settings["data"].get("split", "random"), study.measure),
            *applicable.point(study.left_out),
        ],
        "inapplicable": study.inapplicable(*COMPARED),
        "least": nearness.least_p((row.numbers for row in study.rows if not row.classical), study.settings["seeds"]),
        "axis": tables.common_axis(study.rows, study.relevant_difference),
        "standings": standings.standings(study.entries),
        "place_among": tables.place_among,
        "seeds_in_words": lambda table: looked.seeds_in_words(table, study.settings),
        "unequal_seeds": tables.unequal_seeds,
        "pairing": looked.pairing,
        "other_kinds": tuned_answer.other_kinds,
        "confidence_in_words": lambda table: looked.confidence_in_words(table, study.settings),
    }
    return Section("answer", "The answer", body("answer.html", study=study, **values))


def gain_and_cost_section(study: Study) -> Section | None:
    priced = pareto.priced(study.rows)
    if len(priced) < 2:
        return None
    figure = None
    if not pareto.same_cost(priced):
        figure = drawn(pareto.figure(priced), "pareto", "gain against cost of every recipe")
    return Section("gain-and-cost", "Gain and cost", body("gain_and_cost.html", figure=figure))


def expect_section(study: Study) -> Section | None:
    drawn = [row for row in study.rows if curves.drawable([row.entry])]
    if not drawn:
        return None
    drawn.sort(key=lambda row: not row.reference)  # the reference first, the others as in the table
    quantity, *_ = curves.quantities(drawn[0].entry)
    courses = {row.id: curves.Course.of(row.entry, f"validation_{quantity}") for row in drawn}
    reference = drawn[0] if drawn[0].reference else None
    values = {"rows": drawn, "courses": courses, "reference": reference, "course_of": curves.Course.of}
    shown = {"error": ACCURACY, "hamming_loss": HAMMING_LOSS}.get(quantity, RMSE).with_unit
    values |= {"quantity": quantity, "shown": shown, "score": study.score}
    values |= {"panels": panels.panels([row.entry for row in drawn]), "size": (panels.WIDTH, panels.HEIGHT)}
    return Section("expect", "What to expect", body("expect.html", **values))


def bias_variance_section(study: Study) -> Section | None:
    rows = bias_variance_figure.split(study.rows)
    if len(rows) < 2:
        return None
    figure = drawn(bias_variance_figure.figure(rows), "bias-variance", "squared bias against variance of every recipe")
    values = {"study": study, "rows": rows, "figure": figure, "score": study.score}
    return Section("bias-variance", "Bias and variance", body("bias_variance.html", **values))


def chapter_section(study: Study, others: dict[str, str]) -> Section:
    """`others`: titles of the page's other sections by id, to which the chapter sends."""
    entries = parts.chapter_entries(study, others)
    claims = [claim for entry in entries for claim in entry.claims]
    values = {
        "chapter_entries": entries,
        "claims": claims,
        "least": nearness.least_p(
            (claim.row for claim in claims if claim.row.get("over") == "seeds"), study.settings["seeds"]
        ),
        "seeds": study.settings["seeds"],
        "verdict_counts": parts.verdict_counts(claims),
        "anchor": parts.anchor,
        "picture": picture,
    }
    return Section("chapter", "The chapter", body("chapter.html", **values))


def verdict_guide_section(study: Study) -> Section:
    least = smallest_seeds(1, 1 - study.settings["evaluation"]["confidence"])
    values = {"study": study, "least": least, "statistical_tests": study.metrics["statistical_tests"]}
    values |= {"confidence_of_looks": looked.confidence_in_words(study.rows, study.settings)}
    values |= {"robust": bool(standings.standings(study.entries)), "score": study.score}
    return Section("verdicts", "How to read a verdict", body("verdict_guide.html", **values))


def ran_section(study: Study) -> Section:
    fingerprints = sorted({e.record["dataset"]["fingerprint"] for e in study.entries if e.family in COMPARED})
    values = {"study": study, "fingerprints": fingerprints, "anchor": parts.anchor, "anchored": parts.anchored}
    return Section("ran", "What ran", body("ran.html", **values))
