from reglab.regularizers.none import NoRegularizer
from reglab.training.regularizer import Regularizer


def test_it_has_no_hook():
    hooks = {name for name, value in vars(Regularizer).items() if callable(value)}
    assert not hooks & set(vars(NoRegularizer))
