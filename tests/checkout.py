"""A small study of this very checkout, for tests that meet it as a user does: by commands."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
NAMES = ("none", "dropout", "l1")
HALF_WRITTEN = "*.pyc.*"  # bytecode that another process is writing; the rest is copied, as compiling takes seconds


def few_stages(all: dict) -> None:
    """A change of the params: two recipes, and nothing beside."""
    all["regularizers"].pop("l1")
    all.update(baselines={}, pretraining={}, transfer={})


class Checkout:
    """A copy of this checkout with few epochs, seeds and entries, in a git repository of its own.

    `warm` is the environment by which stages find a warm process; {}: each runs in a process of its own.
    """

    def __init__(self, folder: Path, warm: dict[str, str]) -> None:
        self.folder, self.warm = folder, warm
        for name in ("src", "pipelines", ".dvc/plots", "data/source"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info", HALF_WRITTEN))
        for name in (
            "data/source_folder",
            "dvc.yaml",
            "looks.yaml",
            "params.yaml",
            ".gitignore",
            ".dvcignore",
            ".dvc/config",
            ".dvc/.gitignore",
        ):
            shutil.copyfile(ROOT / name, folder / name)
        self.edit(
            lambda all: all.update(
                seeds=2,
                training=all["training"] | {"epochs": 2},
                baselines={"logistic_regression": {"C": 1.0}},
                regularizers={name: all["regularizers"][name] for name in NAMES},
                combinations={},
                ensembles={},
                scenes={"size": 16, "train_size": 8, "validation_size": 8, "test_size": 8},
                few_labels=all["few_labels"] | {"labels_per_class": [1], "epochs": 1, "steps": 2},
                few_scenes={"labelled": [8]},
                pretraining={
                    "scratch": {"source": "study"},
                    "masked": {"source": "study", "epochs": 1},
                },
                transfer={"from_scratch": {"start": "scratch"}, "masked_tuned": {"start": "masked"}},
                semi_supervised={},
                multitask={},
                theory={},
                attacks={},
                tuning={"seeds": 1},
                tuned={},
                sweeps={},
                cocktails={},
                regimes=all["regimes"] | {"recipes": []},
                variance_sources={"recipes": []},
                random_split={"recipes": []},
                tuned_clean={"recipes": []},
                tuned_other_network={"recipes": []},
                comparisons={},
                claims={},
                profiles={},
                suite={},
            )
        )
        stages = YAML(typ="safe").load(folder / "dvc.yaml")
        for name in ("topics", "text"):  # no entry learns from text here
            del stages["stages"][name]
        YAML().dump(stages, folder / "dvc.yaml")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "a small study")

    def edit(self, change) -> None:
        path = self.folder / "params.yaml"
        settings = YAML(typ="safe").load(path)
        change(settings)
        YAML().dump(settings, path)

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True)

    def start(self, *command: str) -> subprocess.Popen:
        outside = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "PYTEST"))}
        environment = outside | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environment | self.warm, **pipes)

    def run(self, *command: str) -> tuple[int, str]:
        process = self.start(*command)
        output, _ = process.communicate()
        return process.returncode, output

    def repro(self, *arguments: str) -> list[str]:
        """The stages that ran."""
        code, output = self.run("dvc", "repro", *arguments)
        assert code == 0, output
        return re.findall(r"Running stage '(\S+)'", output)

    def outputs(self) -> dict[str, list[dict]]:
        """By stage its outputs with their hashes, as dvc.lock has them."""
        stages = YAML(typ="safe").load(self.folder / "dvc.lock")["stages"]
        return {name: stage["outs"] for name, stage in stages.items() if "outs" in stage}

    def metrics(self) -> dict:
        return json.loads((self.folder / "reports" / "metrics.json").read_text())
