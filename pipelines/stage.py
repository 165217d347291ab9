"""What every stage shares: this checkout's code, one-line errors, clean ends."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# An experiment in a temporary copy runs the copy's code; and code.py here does not take the place of Python's own module.
sys.path[:] = [str(HERE.parent / "src"), *(place for place in sys.path if Path(place).resolve() != HERE), str(HERE)]
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the number of threads changes the bits of a result

try:
    from reglab.core.errors import exit_codes
    from reglab.core.redaction import redact_output
    from reglab.runtime import disk_space, dvc_process, warm
    from reglab.runtime.processes import die_with_parent, exit_on_signals
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}; activate the environment (source .venv/bin/activate) or say: make repro")


def run(main) -> None:
    """Call `main` and end the process: 0 done, 1 the work failed, 2 the user's input is wrong, 130 or 143 interrupted."""
    redact_output()
    exit_on_signals()
    if "DVC_STAGE" in os.environ:
        parent = os.environ.get(dvc_process.PARENT)
        die_with_parent(parent=int(parent) if parent else None)
    code = warm.hand_over(sys.argv)
    if code is not None:
        sys.exit(code)
    with exit_codes(), disk_space.plain_errors(Path.cwd()):
        main()
