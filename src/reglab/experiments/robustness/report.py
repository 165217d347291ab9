"""The section on robustness."""

from reglab.report import standings
from reglab.report.study import Placed, Section, Study, body


def robustness_section(study: Study) -> Section | None:
    families = standings.families(study.entries)
    if not families:
        return None
    values = {
        "attacks": standings.ATTACKS,
        "confidence": study.settings["evaluation"]["confidence"],
        "score": study.score,
    }
    images = len(study.settings.get("dataset", {}).get("shape", ())) == 3  # of a row no example is drawn
    return Section("robustness", "Robustness", body("robustness.html", families=families, images=images, **values))


SECTIONS = (Placed(robustness_section, "pages/robustness.html", place=1),)
