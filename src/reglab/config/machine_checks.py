"""Checks that this machine has what the section `training` asks for: its GPUs, and where several machines meet."""

import os


def machine_problems(training) -> list[str]:
    """Lines where a GPU is asked for and torch sees none, or where machines cannot find each other.

    `training` is the section of params.yaml. torch is imported only where a GPU is asked for.
    """
    lines, devices = [], training.trainer.devices if training.trainer else 1
    if training.accelerator == "gpu" or (training.accelerator == "auto" and devices > 1):
        import torch

        if not (count := torch.cuda.device_count()) and training.accelerator == "gpu":
            lines = ['params.yaml: training.accelerator: found "gpu", but torch sees none; allowed here: cpu, or auto']
        elif 0 < count < devices:
            lines = [f"params.yaml: training.trainer.devices: found {devices}; allowed here: at most {count}, the GPUs"]
    return lines + meeting_problems(training.trainer)


def meeting_problems(trainer) -> list[str]:
    """A line where several machines train and the environment does not say which one this is and where they meet."""
    if trainer is None or trainer.num_nodes == 1:
        return []
    wrong = [name for name in ("MASTER_PORT", "NODE_RANK") if not os.environ.get(name, "").isdigit()]
    wrong += ["MASTER_ADDR"] if not os.environ.get("MASTER_ADDR") else []
    if not wrong and int(os.environ["NODE_RANK"]) >= trainer.num_nodes:
        wrong = ["NODE_RANK"]
    if not wrong:
        return []
    found = f"{trainer.num_nodes}, and no usable {', '.join(wrong)}"
    rank = f"NODE_RANK, from 0 to {trainer.num_nodes - 1}"
    allowed = (
        f"in the environment of each machine {rank}, and the same MASTER_ADDR and MASTER_PORT, where machine 0 listens"
    )
    return [f"params.yaml: training.trainer.num_nodes: found {found}; allowed: {allowed}"]
