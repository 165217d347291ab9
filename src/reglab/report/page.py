"""The pages of the report. A new section is a function of the `Study`, a template, and a place in PAGES."""

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
    nearness,
    panels,
    pareto,
    parts,
    pretexts,
    regimes,
    robustness,
    site,
    sweeps,
    tables,
    tasks,
    variance_sources,
)
from reglab.report.collect import Entry
from reglab.report.drawings import drawn, picture
from reglab.report.study import TEMPLATES, Section, Study, body


def the_answer(study: Study) -> Section:
    values = {
        "headline": answer.headline(study.rows, study.settings),
        "points": answer.points_to_know(study.rows, study.settings, study.metrics),
        "least": nearness.least_p((row.numbers for row in study.rows if not row.classical), study.settings["seeds"]),
        "axis": tables.common_axis(study.rows, study.settings["evaluation"]["relevant_difference"]),
        "standings": robustness.standings(study.entries),
        "place_among": tables.place_among,
    }
    return Section("answer", "The answer", body("answer.html", study=study, **values))


def gain_and_cost(study: Study) -> Section | None:
    priced = pareto.priced(study.rows)
    if len(priced) < 2:
        return None
    figure = drawn(pareto.figure(priced), "pareto", "gain against cost of every recipe")
    return Section("gain-and-cost", "Gain and cost", body("gain_and_cost.html", figure=figure))


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
    values = {"attacks": robustness.ATTACKS, "confidence": study.settings["evaluation"]["confidence"]}
    return Section("robustness", "Robustness", body("robustness.html", families=families, **values))


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
        "least": nearness.least_p(
            (claim.row for claim in claims if claim.row.get("over") == "seeds"), study.settings["seeds"]
        ),
        "seeds": study.settings["seeds"],
        "tally": parts.tally(claims),
        "anchor": parts.anchor,
        "picture": picture,
    }
    return Section("chapter", "The chapter", body("chapter.html", **values))


def how_to_read(study: Study) -> Section:
    least = smallest_seeds(1, 1 - study.settings["evaluation"]["confidence"])
    values = {"study": study, "least": least, "questions": study.metrics["questions"]}
    values |= {"robust": bool(robustness.standings(study.entries))}
    return Section("verdicts", "How to read a verdict", body("verdict_guide.html", **values))


def what_ran(study: Study) -> Section:
    fingerprints = sorted({e.record["dataset"]["fingerprint"] for e in study.entries if e.family in COMPARED})
    values = {"study": study, "fingerprints": fingerprints, "anchor": parts.anchor, "anchored": parts.anchored}
    return Section("ran", "What ran", body("ran.html", **values))


# path, title, what it is for, sections; the first is what a reader opens
PAGES = (
    ("index.html", "The answer", "which regularizer helps, by how much, at what cost", (the_answer,)),
    (
        "pages/recipes.html",
        "Recipes in detail",
        "what a gain costs, learning curves, bias and variance, members of ensembles",
        (gain_and_cost, what_to_expect, bias_and_variance, the_ensembles),
    ),
    (
        "pages/tuning.html",
        "How strong, where, why",
        "strengths, stacked techniques, other sizes and noise, sources of the spread",
        (sweeps.the_sweeps, cocktails.the_cocktails, regimes.where_it_helps, variance_sources.the_sources),
    ),
    (
        "pages/few_labels.html",
        "Few labels",
        "transfer, semi-supervised and multi-task learning, pretexts, augmentation",
        (with_few_labels, the_pretexts, several_tasks, the_augmentation),
    ),
    (
        "pages/robustness.html",
        "Robustness",
        "accuracy under attack, and whether the attack is strong",
        (the_robustness,),
    ),
    ("pages/chapter.html", "The lecture", "formulas, exact checks, and what became of every claim", (the_chapter,)),
    (
        "pages/ran.html",
        "What ran",
        "how to read a verdict, settings, data, machine, every record",
        (how_to_read, what_ran),
    ),
)


def render(
    entries: list[Entry], metrics: dict, settings: dict, text: str = "", surroundings: dict | None = None
) -> dict[str, str]:
    """path -> page: strings without dates, hosts or addresses, the same for the same input.

    Paths are relative to reports/. entries: from `collect`; metrics: reports/metrics.json; settings: params.yaml as a
    mapping, completed with its defaults, and `dataset`: dataset.json of the prepared data; text: params.yaml as it was
    written; surroundings: see `Study`. Raises UserError when metrics.json lacks an entry.
    """
    study = Study(entries, metrics, settings, text, surroundings or {})
    built = {build: build(study) for *_, builds in PAGES for build in builds if build is not the_chapter}
    built[the_chapter] = the_chapter(study, {section.id: section.title for section in built.values() if section})
    every = [site.Page(*about, [built[build] for build in builds if built[build]]) for *about, builds in PAGES]
    pages = [page for page in every if page.sections]
    home = site.homes(pages)
    template = TEMPLATES.get_template("page.html")
    return {
        page.path: template.render(
            page=page,
            pages=pages,
            bodies={section.id: site.linked(section.body, page, home) for section in page.sections},
            colors=COLORS,
            study=study,
        )
        for page in pages
    }
