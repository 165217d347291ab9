"""From a declared augmentation to its record: what it makes of the examples, and that targets follow."""

from pathlib import Path

import torch

from reglab.core import figures
from reglab.core.checks import check_record
from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Prepared
from reglab.experiments.augmentation.exact_checks import checks
from reglab.experiments.augmentation.preview import preview
from reglab.tracking.stage import Stage, StageBuilder

SHOWN = 4  # examples


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, policy = prepared.read(Path("data") / stage.name), settings.entry("augmentation", stage.name)
    run(policy, data, stage.build(data, {}, seeds=[], **{stage.name: policy}))


def run(policy: Policy, data: Prepared, stage: Stage) -> dict:
    """Publish the policy's record with a preview on training examples; returns its content."""
    with stage.journal() as entry:
        rows = data.tensors["seed-0/labelled"][:SHOWN]
        inputs = torch.as_tensor(data.split(0).inputs["labelled"][:SHOWN])
        targets = {
            name: torch.as_tensor(data.tensors[name][rows]) for name in ("masks", "depth") if name in data.tensors
        }
        figure = preview(policy, inputs, **targets)
        content = {"seeds": {}, "checks": [check_record(check) for check in checks()]}
        return stage.publish(entry, content, figure=figures.svg(figure))
