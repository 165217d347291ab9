"""A Slurm cluster of one node on this machine, from Debian's packages, without munge: for tests."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue")
SETTINGS = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def is_installed() -> bool:
    return os.getuid() == 0 and all(map(shutil.which, PROGRAMS))


class Node:
    """The controller and the daemon of the node; `configuration` is what SLURM_CONF is to say."""

    def __init__(self, folder: Path) -> None:
        self.configuration = folder / "slurm.conf"
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        with socket.socket() as first, socket.socket() as second:
            ports = []
            for free in (first, second):
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        values = {"host": socket.gethostname(), "folder": folder, "cores": os.cpu_count()}
        self.configuration.write_text(SETTINGS.format(controller=ports[0], daemon=ports[1], **values))
        self.processes = [self.start(program, folder / f"{program}.log") for program in ("slurmctld", "slurmd")]

    def start(self, program: str, log: Path) -> subprocess.Popen:
        environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        with log.open("w") as output:
            return subprocess.Popen([program, "-D"], env=environment, stdout=output, stderr=output)

    def is_up(self, seconds: float = 30.0) -> bool:
        """Whether the node takes jobs within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.SubprocessError):
                answer = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, timeout=5)
                if answer.stdout.strip() == "idle":
                    return True
            time.sleep(0.5)
        return False

    def end(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(20)
