"""Checks the section `training` of params.yaml: its settings against each other and those of the ensembles."""

from reglab.config.problems import Problems
from reglab.core.plain import has_setting


def check_training(values: dict, problems: Problems) -> None:
    """Nesterov's momentum has its optimizer, a warm-up ends before the training does, batches can be shared."""
    training = values.get("training")
    if not training:
        return
    if training.nesterov and training.optimizer != "sgd":
        allowed = "nesterov: false, or optimizer: sgd with a momentum above 0"
        problems.add(("training", "nesterov"), f"true with optimizer: {training.optimizer}", allowed)
    elif training.nesterov and not training.momentum:
        allowed = "nesterov: false, or a momentum above 0, such as 0.9"
        problems.add(("training", "nesterov"), "true with momentum: 0", allowed)
    if training.ranks > training.batch_size:
        allowed = (
            f"devices x num_nodes of at most {training.batch_size}, the training.batch_size, of which each has a share"
        )
        problems.add(("training", "trainer"), f"{training.ranks} processes", allowed)
    lengths = {"training.epochs": training.epochs}
    for name, ensemble in (values.get("ensembles") or {}).items():
        if ensemble and has_setting(ensemble, "epochs"):
            lengths[f"ensembles.{name}.epochs"] = ensemble.epochs
    shortest = min(lengths, key=lengths.get)
    if training.warmup_epochs >= lengths[shortest]:
        allowed = f"less than {lengths[shortest]}, the {shortest}"
        problems.add(("training", "warmup_epochs"), f"{training.warmup_epochs:g}", allowed)
