"""`python -m reglab.tracking.mirror <root>`: mirrors the journal below `root` until nothing is left to mirror."""

import sys
from pathlib import Path

from reglab.core.redaction import redact_output
from reglab.runtime.processes import exit_on_signals
from reglab.tracking.mirror.follower import follow

exit_on_signals()
redact_output()
follow(Path(sys.argv[1]))
