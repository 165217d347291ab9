"""The priority of a process that nothing waits for."""

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 10
GROUP = Path("/proc/self/autogroup")  # on Linux: the processes of a session, which share a part of the processor


def let_others_go_first() -> None:
    """Lower the priority of this process below that of every other process.

    Linux may give each session the same part of the processor, and niceness then counts inside of the session alone. A
    process that leads its session lowers the session, too.
    """
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # there is no such file on other systems
            GROUP.write_text(str(NICENESS), encoding="ascii")
