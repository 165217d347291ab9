"""The page: one HTML file. A new section is a function of the `Study`, a template, and a place in SECTIONS."""

from reglab.evaluation.comparison import COMPARED
from reglab.evaluation.statistics import smallest_seeds
from reglab.figures import COLORS
from reglab.report import (
    answer,
    bias_variance,
    cocktails,
    curves,
    ensembles,
    few_labels,
    lecture,
    panels,
    pareto,
    parts,
    pretexts,
    regimes,
    robustness,
    sweeps,
    tables,
    tasks,
    variance_sources,
)
from reglab.report.collect import Entry
from reglab.report.drawings import drawn, picture
from reglab.report.study import PAGES, Section, Study, body


def the_answer(study: Study) -> Section:
    priced = pareto.priced(study.rows)
    values = {
        "headline": answer.headline(study.rows, study.settings),
        "points": answer.points_to_know(study.rows, study.settings),
        "axis": tables.common_axis(study.rows, study.settings["evaluation"]["relevant_difference"]),
        "standings": robustness.standings(study.entries),
        "place_among": tables.place_among,
        "questions": study.metrics["questions"],
        "pareto": drawn(pareto.figure(priced), "pareto", "gain against cost of every recipe")
        if len(priced) > 1
        else None,
    }
    return Section("answer", "The answer", body("answer.html", study=study, **values))


def what_to_expect(study: Study) -> Section | None:
    drawn = [row for row in study.rows if curves.drawable([row.entry])]
    if not drawn:
        return None
    drawn.sort(key=lambda row: not row.reference)  # the reference first, the others as in the table
    courses = {row.id: curves.Course.of(row.entry, "validation_error") for row in drawn}
    reference = drawn[0] if drawn[0].reference else None
    values = {"rows": drawn, "courses": courses, "reference": reference, "course_of": curves.Course.of}
    values |= {"panels": panels.panels([row.entry for row in drawn]), "size": (panels.WIDTH, panels.HEIGHT)}
    return Section("expect", "What to expect", body("expect.html", **values))


def with_few_labels(study: Study) -> Section | None:
    entries, metrics, settings = study.entries, study.metrics, study.settings
    if not any(entry.family in few_labels.FAMILIES for entry in entries):
        return None
    groups = few_labels.groups(entries, metrics, settings["few_labels"]["labels_per_class"])
    values = {"groups": groups, "bar": few_labels.against_rival(groups[0]), "points": few_labels.points_to_know(groups)}
    values |= {"panels": lecture.panels(entries, groups, tasks.methods(entries, metrics), settings)}
    values |= {"measure": few_labels.ACCURACY, "per": few_labels.LABELS}
    values |= {"confidence": settings["evaluation"]["confidence"], "seeds": settings["seeds"]}
    return Section("few-labels", "Few labels", body("few_labels.html", **values))


def the_pretexts(study: Study) -> Section | None:
    found = pretexts.pretexts(study.entries, study.metrics)
    if not found:
        return None
    return Section("pretexts", "Pretexts", body("pretexts.html", **pretexts.values(found)))


def several_tasks(study: Study) -> Section | None:
    found = tasks.methods(study.entries, study.metrics)
    if not found:
        return None
    values = tasks.values(found, study.settings["few_scenes"]["labelled"])
    evaluation = study.settings["evaluation"]
    values |= {"confidence": evaluation["confidence"], "relevant": evaluation["relevant_difference"]}
    values |= {"seeds": study.settings["seeds"]}
    return Section("tasks", "Several tasks", body("tasks.html", **values))


def the_augmentation(study: Study) -> Section | None:
    topics = [entry for entry in study.entries if entry.family == "augmentation"]
    if not topics:
        return None
    return Section("augmentation", "Augmentation", body("augmentation.html", topics=topics, picture=picture))


def the_ensembles(study: Study) -> Section | None:
    found = ensembles.grown(study.entries)
    if not found:
        return None
    return Section("ensembles", "Ensembles", body("ensembles.html", ensembles=found, columns=ensembles.COLUMNS))


def the_robustness(study: Study) -> Section | None:
    families = robustness.families(study.entries)
    if not families:
        return None
    return Section("robustness", "Robustness", body("robustness.html", families=families, attacks=robustness.ATTACKS))


def bias_and_variance(study: Study) -> Section | None:
    rows = bias_variance.split(study.rows)
    if len(rows) < 2:
        return None
    figure = drawn(bias_variance.figure(rows), "bias-variance", "squared bias against variance of every recipe")
    return Section(
        "bias-variance", "Bias and variance", body("bias_variance.html", study=study, rows=rows, figure=figure)
    )


def the_chapter(study: Study, others: dict[str, str]) -> Section:
    """`others`: titles of the page's other sections by id, to which the chapter sends."""
    found = parts.told(study, others)
    claims = [claim for told in found for claim in told.claims]
    values = {
        "parts": found,
        "claims": claims,
        "tally": parts.tally(claims),
        "anchor": parts.anchor,
        "picture": picture,
    }
    return Section("chapter", "The chapter", body("chapter.html", **values))


def what_ran(study: Study) -> Section:
    fingerprints = sorted({e.record["dataset"]["fingerprint"] for e in study.entries if e.family in COMPARED})
    least = smallest_seeds(1, 1 - study.settings["evaluation"]["confidence"])
    values = {"study": study, "fingerprints": fingerprints, "least": least}
    values |= {"anchor": parts.anchor, "anchored": parts.anchored}
    return Section("ran", "What ran", body("ran.html", **values))


SECTIONS = (
    the_answer,
    what_to_expect,
    sweeps.the_sweeps,
    with_few_labels,
    regimes.where_it_helps,
    cocktails.the_cocktails,
    the_chapter,
    the_augmentation,
    the_pretexts,
    several_tasks,
    the_ensembles,
    the_robustness,
    bias_and_variance,
    variance_sources.the_sources,
    what_ran,
)


def render(
    entries: list[Entry], metrics: dict, settings: dict, text: str = "", surroundings: dict | None = None
) -> str:
    """The page: a string without dates, hosts or addresses, the same for the same input.

    entries: from `collect`; metrics: reports/metrics.json; settings: params.yaml as a mapping, completed with its
    defaults, and `dataset`: dataset.json of the prepared data; text: params.yaml as it was written; surroundings: see
    `Study`. Raises UserError when metrics.json lacks an entry.
    """
    study = Study(entries, metrics, settings, text, surroundings or {})
    others = {build: build(study) for build in SECTIONS if build is not the_chapter}
    titles = {section.id: section.title for section in others.values() if section}
    built = [the_chapter(study, titles) if build is the_chapter else others[build] for build in SECTIONS]
    sections = [section for section in built if section]
    return PAGES.get_template("page.html").render(sections=sections, colors=COLORS, study=study)
