"""The pages of the report: which sections stand on which page, in their order."""

from reglab.core.figures import COLORS
from reglab.experiments.augmentation.report import the_augmentation
from reglab.experiments.ensembles.report import the_ensembles
from reglab.experiments.few_labels.section import with_few_labels
from reglab.experiments.multitask.report import several_tasks
from reglab.experiments.pretraining.report import the_pretexts
from reglab.experiments.regimes import report as regimes
from reglab.experiments.robustness.report import the_robustness
from reglab.experiments.tuning import report_cocktails, report_sweeps
from reglab.experiments.variance_sources import report as variance_sources
from reglab.report import site
from reglab.report.collect import Entry
from reglab.report.page import (
    bias_and_variance,
    gain_and_cost,
    how_to_read,
    the_answer,
    the_chapter,
    what_ran,
    what_to_expect,
)
from reglab.report.study import TEMPLATES, Study

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
        (
            report_sweeps.the_sweeps,
            report_cocktails.the_cocktails,
            regimes.where_it_helps,
            variance_sources.the_sources,
        ),
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
