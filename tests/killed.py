"""A search that is killed at its end, for the tests of what goes on afterwards."""

from collections.abc import Callable

import pytest

from reglab.training import one_seed, together


def kill_at_the_end(search: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a search and kill it when it would publish its record; from then on no training may run."""

    def killed(*arguments, **keywords):
        raise OSError("killed")

    with monkeypatch.context() as at_the_end:
        at_the_end.setattr("reglab.tracking.record.write", killed)
        with pytest.raises(OSError, match="killed"):
            search()
    for module in (one_seed, together):
        monkeypatch.setattr(module, "run_trainer", killed)
