from reglab.regularizers.base import Regularizer
from reglab.regularizers.none import NoRegularizer


def test_it_has_no_hook():
    assert not set(vars(Regularizer)) & set(vars(NoRegularizer)) - {
        "__module__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
    }
