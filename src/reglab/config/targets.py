"""What `reglab repro` asks DVC for: everything, without the stages whose outputs no entry of params.yaml uses."""

from pathlib import Path

from ruamel.yaml import YAML

from reglab.config.references import mapping
from reglab.config.yaml_source import read
from reglab.data.settings import Text


def targets(root: Path) -> list[str]:
    """Stages to name to `dvc repro`, which runs what they need; none where every stage has a use."""
    given = read(root / "params.yaml")[0]
    stages = mapping(YAML(typ="safe").load(root / "dvc.yaml"), "stages")
    idle = unused(given) & set(stages)
    single = [name for name, stage in stages.items() if not {"foreach", "matrix"} & set(stage)]
    return [name for name in single if name not in idle] if idle else []


def unused(given: dict) -> set[str]:
    """The stages that prepare scenes or text, where no pretext, task or augmentation of the plain params uses these."""
    sources = {mapping(pretext).get("source") for pretext in mapping(given, "pretraining").values()}
    idle = set()
    if "scenes" not in sources and not given.get("multitask") and "scenes" not in mapping(given, "augmentation"):
        idle |= {"scenes"}
    if "text" not in sources:
        idle |= {"text"}
    if "text" not in sources or mapping(given, "text").get("file", Text().file) != Text().file:
        idle |= {"topics"}
    return idle
