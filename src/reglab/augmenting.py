"""From a declared augmentation to its record: what it makes of the images, and that targets follow."""

from dataclasses import asdict
from pathlib import Path

import torch

from reglab import figures, journal, record
from reglab.augmentation.checks import checks
from reglab.augmentation.policy import Policy
from reglab.augmentation.preview import preview
from reglab.data.prepared import Prepared
from reglab.oracle import row
from reglab.record import About

SHOWN = 4  # examples


def run(policy: Policy, about: About, data: Prepared, runs: Path, *, context: dict | None = None) -> dict:
    """Publish `runs/augmentation/<name>` with a preview on training images; returns the record's content.

    `context` is as in `journal.opened`.
    """
    with journal.opened(about, context) as entry:
        rows = data.tensors["seed-0/labelled"][:SHOWN]
        shown = {
            name: torch.as_tensor(data.tensors[name][rows])
            for name in ("inputs", "masks", "depth")
            if name in data.tensors
        }
        figure = preview(policy, shown.pop("inputs"), **shown)
        content = asdict(about) | {"seeds": {}, "checks": [row(check) for check in checks()]}
        journal.complete(entry, record.write(record.folder(runs, about), content, figure=figures.svg(figure)))
    return content
