"""What the tests of searches share."""

import pytest

from reglab.training import one_seed, together


@pytest.fixture
def kill_at_the_end(monkeypatch):
    """Runs a search that is killed when it would publish its record; from then on no training may run."""

    def killed(*arguments, **keywords):
        raise OSError("killed")

    def run(search) -> None:
        with monkeypatch.context() as at_the_end:
            at_the_end.setattr("reglab.tracking.record.write", killed)
            with pytest.raises(OSError, match="killed"):
                search()
        for module in (one_seed, together):
            monkeypatch.setattr(module, "run_trainer", killed)

    return run
