"""The sections on sweeps and cocktails."""

from reglab.experiments.tuning.report_cocktails import cocktails_section
from reglab.experiments.tuning.report_sweeps import sweeps_section
from reglab.report.study import Placed

SECTIONS = (
    Placed(sweeps_section, "pages/tuning.html", place=1),
    Placed(cocktails_section, "pages/tuning.html", place=2),
)
