"""The sections on tuned recipes, sweeps and cocktails."""

from reglab.experiments.tuning.report_cocktails import cocktails_section
from reglab.experiments.tuning.report_sweeps import sweeps_section
from reglab.experiments.tuning.report_tuned import clean_section, other_network_section, tuned_section
from reglab.report.study import Placed

SECTIONS = (
    Placed(tuned_section, "pages/tuning.html", place=0),
    Placed(clean_section, "pages/tuning.html", place=1),
    Placed(other_network_section, "pages/tuning.html", place=1),
    Placed(sweeps_section, "pages/tuning.html", place=2),
    Placed(cocktails_section, "pages/tuning.html", place=3),
)
