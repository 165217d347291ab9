"""The section on augmentation."""

from reglab.report.drawings import picture
from reglab.report.study import Placed, Section, Study, body


def augmentation_section(study: Study) -> Section | None:
    topics = [entry for entry in study.entries if entry.family == "augmentation"]
    if not topics:
        return None
    return Section("augmentation", "Augmentation", body("augmentation.html", topics=topics, picture=picture))


SECTIONS = (Placed(augmentation_section, "pages/few_labels.html", place=4),)
