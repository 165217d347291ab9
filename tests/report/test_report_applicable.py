"""What is not applicable is named so that a reader knows which entry it is."""

import re

from reglab.report.applicable import Inapplicable, point

WHY = {"not_applicable": "needs one target an example; the targets are sets of labels"}


def test_an_attack_that_is_not_applicable_is_not_called_as_the_section_that_it_attacks():
    left_out = [Inapplicable("attacks", "regularizers", WHY), Inapplicable("ensembles", "boosting", WHY)]
    [said] = point(left_out)
    text = re.sub("<[^>]*>", "", said.text)
    assert "boosting and attacks.regularizers (needs one target an example" in text
    assert text.startswith("2 entries are not applicable") and 'href="#ran-attacks-regularizers"' in said.text
