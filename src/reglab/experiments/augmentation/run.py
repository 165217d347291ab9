"""From a declared augmentation to its record: what it makes of the images, and that targets follow."""

import torch

from reglab.core import figures
from reglab.core.checks import check_record
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Prepared
from reglab.experiments.augmentation.exact_checks import checks
from reglab.experiments.augmentation.preview import preview
from reglab.tracking.stage import Stage

SHOWN = 4  # examples


def run(policy: Policy, data: Prepared, stage: Stage) -> dict:
    """Publish the policy's record with a preview on training images; returns its content."""
    with stage.journal() as entry:
        rows = data.tensors["seed-0/labelled"][:SHOWN]
        shown = {
            name: torch.as_tensor(data.tensors[name][rows])
            for name in ("inputs", "masks", "depth")
            if name in data.tensors
        }
        figure = preview(policy, shown.pop("inputs"), **shown)
        content = {"seeds": {}, "checks": [check_record(check) for check in checks()]}
        return stage.publish(entry, content, figure=figures.svg(figure))
