"""Whether the data can give what params.yaml asks for, told before any work."""

from reglab.data import source, splits, text
from reglab.errors import UserError
from reglab.sections import Text


def check(settings) -> None:
    """UserError with all that the data itself cannot give of what `settings`, the `Params`, ask for."""
    data = settings.data
    _, labels = source(data.name)
    lines = splits.faults(data, labels) + splits.class_faults(settings.transfer, labels)
    if not lines and settings.regimes.recipes:
        lines += splits.regime_faults(data, settings.regimes, labels)
    if not lines and (settings.transfer or settings.semi_supervised):
        lines += splits.few_labels_faults(data, settings.few_labels, labels, settings.seeds)
    if any(pretext.source == "text" for pretext in settings.pretraining.values()):
        lines += text_faults(settings.text.file)
    if lines:
        raise UserError(*lines)


def text_faults(file: str) -> list[str]:
    """What is wrong with a user's own text file; the one that a stage makes is right."""
    if file == Text().file:
        return []
    try:
        return text.faults(file, text.sentences(text.read_file(file)))
    except UserError as error:
        return list(error.lines)
