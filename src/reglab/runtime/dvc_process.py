"""`python -m reglab.runtime.dvc_process repro ...`: DVC, which an interrupt ends at any moment.

By itself DVC ignores interrupts while a stage runs, for at a terminal the stage hears them too, and that makes DVC stop.
It does so in its main thread alone. Here it runs in another one, and the main thread passes an interrupt or a termination
on to the stage. DVC then stops in good order, or, when it does not in time, in the middle of what it does.
"""

import contextlib
import os
import signal
import sys
import threading

PARENT = "REGLAB_DVC"  # the variable by which a stage knows the process that it is to die with
PATIENCE = 1.0  # seconds that DVC has to stop in good order


def main() -> None:
    from dvc.cli import main as dvc

    code = 255
    told = 0

    def work() -> None:
        nonlocal code
        code = dvc(sys.argv[1:])

    def leave(number: int, frame) -> None:
        nonlocal told
        if not told:
            told = number
            late = threading.Timer(PATIENCE, os._exit, [128 + number])
            late.daemon = True
            late.start()
            interrupt_stages()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    os.environ[PARENT] = str(os.getpid())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    sys.exit(128 + told if told else code)


def interrupt_stages() -> None:
    """Interrupt the child processes of this one."""
    import psutil

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
