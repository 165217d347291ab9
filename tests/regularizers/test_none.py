from reglab.regularizers.base import Regularizer
from reglab.regularizers.none import NoRegularizer


def test_it_has_no_hook():
    hooks = {name for name, value in vars(Regularizer).items() if callable(value)}
    assert not hooks & set(vars(NoRegularizer))
