import subprocess
import sys

import pytest

from reglab.runtime.priority import GROUP, NICENESS

PROGRAM = """
import os
from reglab.runtime.priority import GROUP, let_others_go_first
before = GROUP.read_text()
let_others_go_first()
print(os.nice(0), before.split()[-1:], GROUP.read_text().split()[-1:], sep=";")
"""


@pytest.mark.skipif(not GROUP.exists(), reason="this system has no groups of processes by session")
@pytest.mark.parametrize("leads", [True, False])
def test_a_process_lowers_its_session_only_where_it_leads_it(leads):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], start_new_session=leads, capture_output=True, text=True, check=True
    )
    niceness, before, after = result.stdout.strip().split(";")
    assert int(niceness) >= NICENESS
    has_group = before != "[]"  # the processes that a container starts with may have none
    assert after == (f"['{NICENESS}']" if leads and has_group else before)
