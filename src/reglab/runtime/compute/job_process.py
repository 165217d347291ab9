"""The process of a job on a worker: `python job_process.py FOLDER`."""

import sys
from pathlib import Path

from reglab.runtime.compute.worker import do_in_folder

if __name__ == "__main__":
    do_in_folder(Path(sys.argv[1]))
