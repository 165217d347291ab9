"""The pages of the report: which sections stand on which page, in their order."""

from collections.abc import Mapping
from types import MappingProxyType

from markupsafe import escape

from reglab.core.errors import UserError
from reglab.core.figures import COLORS
from reglab.experiments.catalogue import modules
from reglab.report import site
from reglab.report.collect import Entry
from reglab.report.page import (
    answer_section,
    bias_variance_section,
    chapter_section,
    expect_section,
    gain_and_cost_section,
    ran_section,
    verdict_guide_section,
)
from reglab.report.study import TEMPLATES, FurtherSection, Section, Study

# path, title, what it is for, and the sections that are about all recipes; the first is what a reader opens
OUTLINE = (
    ("index.html", "The answer", "which regularizer helps, by how much, at what cost", (answer_section,)),
    (
        "pages/recipes.html",
        "Recipes in detail",
        "what a gain costs, learning curves, bias and variance, members of ensembles",
        (gain_and_cost_section, expect_section, bias_variance_section),
    ),
    (
        "pages/tuning.html",
        "How strong, where, why",
        "strengths, stacked techniques, other sizes and noise, sources of the spread",
        (),
    ),
    (
        "pages/few_labels.html",
        "Few labels",
        "transfer, semi-supervised and multi-task learning, pretexts, augmentation",
        (),
    ),
    ("pages/robustness.html", "Robustness", "accuracy or error under attack, and whether the attack is strong", ()),
    ("pages/chapter.html", "The lecture", "formulas, exact checks, and what became of every claim", (chapter_section,)),
    (
        "pages/ran.html",
        "What ran",
        "how to read a verdict, settings, data, machine, every record",
        (verdict_guide_section, ran_section),
    ),
)
OF_FAMILIES = sorted(
    (placed for module in modules("report") for placed in module.SECTIONS), key=lambda placed: placed.place
)
PAGES = tuple(
    (path, title, purpose, (*general, *(placed.build for placed in OF_FAMILIES if placed.page == path)))
    for path, title, purpose, general in OUTLINE
)
FURTHER = ("pages/further.html", "Further sections", "what this study adds to the report")


def render(
    entries: list[Entry],
    metrics: dict,
    settings: dict,
    text: str = "",
    environment: dict | None = None,
    further: Mapping[str, FurtherSection] = MappingProxyType({}),
) -> dict[str, str]:
    """path -> page: strings without dates, hosts or addresses, the same for the same input.

    Paths are relative to reports/. entries: from `collect`; metrics: reports/metrics.json; settings: params.yaml as a
    mapping, completed with its defaults, and `dataset`: dataset.json of the prepared data; text: params.yaml as it was
    written; environment: see `Study`; further: sections that params.yaml adds, by name.

    Raises UserError when metrics.json lacks an entry.
    """
    study = Study.of(entries, metrics, settings, text, environment or {})
    built = {build: build(study) for *_, builds in PAGES for build in builds if build is not chapter_section}
    built[chapter_section] = chapter_section(
        study, {section.id: section.title for section in built.values() if section}
    )
    every = [site.Page(*about, [built[build] for build in builds if built[build]]) for *about, builds in PAGES]
    added = [further_section(name, section, study) for name, section in further.items()]
    pages = [page for page in [*every, site.Page(*FURTHER, added)] if page.sections]
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


def further_section(name: str, section: FurtherSection, study: Study) -> Section:
    """A section that params.yaml adds; UserError where the user's class raises an error."""
    try:
        return Section(f"section-{name}", section.title, escape(section.body(study)))
    except Exception as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"src/reglab/report/further_sections/{name}.py: found an error ({found}); "
            "allowed: a class with a title and a body(study) that gives HTML"
        ) from error
