"""What every recipe costs."""

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from reglab.report.study import FurtherSection, Study


@dataclass(frozen=True)
class Costs(FurtherSection):
    """A list, the dearest last."""

    title: ClassVar[str] = "What it costs"

    heading: str = "Operations"

    def body(self, study: Study) -> str:
        result = {entry.name: entry.record["cost"]["flops"] for entry in study.family("regularizers")}
        lines = [Markup("<li>{}: {}</li>").format(*item) for item in sorted(result.items(), key=lambda item: item[1])]
        return Markup("<p>{}</p><ol>{}</ol>").format(self.heading, Markup().join(lines))
