import subprocess
import sys

import pytest

from reglab.runtime.priority import GROUP, NICENESS

PROGRAM = """
import os
from reglab.runtime.priority import GROUP, let_others_go_first
before = GROUP.read_text()
let_others_go_first()
print(os.nice(0), before.split()[-1], GROUP.read_text().split()[-1])
"""


@pytest.mark.skipif(not GROUP.exists(), reason="this system has no groups of processes by session")
@pytest.mark.parametrize(("leads", "group"), [(True, str(NICENESS)), (False, None)])
def test_a_process_lowers_its_session_only_where_it_leads_it(leads, group):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], start_new_session=leads, capture_output=True, text=True, check=True
    )
    niceness, before, after = result.stdout.split()
    assert int(niceness) >= NICENESS
    assert after == (group or before)
