"""The section on few labels."""

from reglab.experiments.few_labels import groups as few_labels
from reglab.experiments.few_labels import lecture_panels
from reglab.experiments.multitask import report as tasks
from reglab.report.study import Placed, Section, Study, body


def few_labels_section(study: Study) -> Section | None:
    entries, metrics, settings = study.entries, study.metrics, study.settings
    if not any(entry.family in few_labels.FAMILIES for entry in entries):
        return None
    groups = few_labels.groups(entries, metrics, settings["few_labels"]["labels_per_class"], study.measure)
    values = {"groups": groups, "bar": few_labels.against_rival(groups[0]), "points": few_labels.points_to_know(groups)}
    values |= {"panels": lecture_panels.panels(entries, groups, tasks.methods(entries, metrics), settings)}
    values |= {
        "measure": study.measure,
        "per": groups[0].per,
        "beside": few_labels.NOTES[study.measure.task],
    }
    values |= {"inapplicable": study.inapplicable(*few_labels.FAMILIES)}
    values |= {"confidence": settings["evaluation"]["confidence"], "seeds": settings["seeds"]}
    return Section("few-labels", "Few labels", body("few_labels.html", **values))


SECTIONS = (Placed(few_labels_section, "pages/few_labels.html", place=1),)
