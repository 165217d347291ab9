"""Runs DVC so that an interrupt ends it at any moment: `python -m reglab.runtime.dvc_process repro ...`.

DVC itself ignores interrupts while a stage runs: at a terminal the stage receives them too and ends, and then DVC stops.
It ignores them in its main thread alone. Here it runs in another thread, and the main thread passes an interrupt or a
termination on to the stage. DVC then stops in good order, or is ended when that takes too long.
"""

import contextlib
import os
import signal
import sys
import threading

PARENT = "REGLAB_DVC"  # the variable with the id of the process that a stage ends with
PATIENCE = 1.0  # seconds in which DVC may stop in good order


def main() -> None:
    from dvc.cli import main as dvc

    code = 255
    received = 0

    def work() -> None:
        nonlocal code
        code = dvc(sys.argv[1:])

    def stop(number: int, frame) -> None:
        nonlocal received
        if not received:
            received = number
            late = threading.Timer(PATIENCE, os._exit, [128 + number])
            late.daemon = True
            late.start()
            interrupt_stages()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    os.environ[PARENT] = str(os.getpid())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    sys.exit(128 + received if received else code)


def interrupt_stages() -> None:
    """Interrupt the child processes of this one."""
    import psutil

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
