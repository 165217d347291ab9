# make repro   the whole study      make test   every test
# make ui      MLflow on the runs   make bench  what things cost, side by side
# make repro ONLY="none dropout"   the study of these entries alone, kept apart in profiles/only
# make repro PROFILE=quick, make ui PROFILE=quick   the small study of params.yaml, profiles.quick, kept apart
# make suite   the recipes over many data sets (suite: in params.yaml); with PROFILE=quick a small one
# make server   MLflow for a team, with PostgreSQL, on loopback (PORT=5001 as above)
# make docs    docs/techniques/, a page a technique, from the docstrings
# make stress COUNT=50   kills, torn files, full disks, odd servers, many times: docs/reliability.md
# make mutants COUNT=200   breaks the code in so many places, one at a time: how many do the tests notice?
# make ui PORT=5001   another port than the first free one from 5000 on
PYTHON ?= python3
ENV := .venv
READY := $(ENV)/.ready
COMPARED := $(ENV)/compared

export OMP_NUM_THREADS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: repro suite test stress mutants ui server bench lint docs
repro: $(READY)
	@$(ENV)/bin/reglab repro $(if $(PROFILE),--profile '$(PROFILE)') $(if $(ONLY),--only $(ONLY))

suite: $(READY)
	@$(ENV)/bin/reglab repro --suite $(if $(PROFILE),--profile '$(PROFILE)')

test: $(READY) $(ENV)/.extras
	@$(ENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

stress: $(READY)
	@COUNT=$(or $(COUNT),50) $(ENV)/bin/python -m pytest -m stress -q -s

mutants: $(READY)
	@$(ENV)/bin/python -m pip install --quiet --no-build-isolation --editable '.[mutants]'
	@$(ENV)/bin/python .ci/mutants.py

ui: $(READY)
	@$(ENV)/bin/reglab ui $(if $(PROFILE),--profile '$(PROFILE)') $(if $(PORT),--port '$(PORT)')

server: $(READY) $(ENV)/.extras
	@$(ENV)/bin/reglab server $(if $(PORT),--port '$(PORT)')

bench: $(READY) $(COMPARED)/.ready $(ENV)/.extras
	@export PYTHONPATH=$(COMPARED); for benchmark in benchmarks/*.py; do $(ENV)/bin/python $$benchmark || exit 1; done

# Packages that benchmarks compare with lie beside the environment, without their dependencies: no training can see them.
$(COMPARED)/.ready: benchmarks/requirements.txt | $(READY)
	@$(ENV)/bin/python -m pip install --quiet --upgrade --target $(COMPARED) --no-deps --requirement $< && touch $@

# Packages that a team needs and the study does not, which the tests try.
$(ENV)/.extras: requirements-extras.lock | $(READY)
	@$(ENV)/bin/python -m pip install --quiet --no-deps --requirement $< && touch $@

lint: $(READY)
	@$(ENV)/bin/ruff check . && $(ENV)/bin/lint-imports

docs: $(READY)
	@$(ENV)/bin/python docs/generate.py

# The shell holds the lock until it ends, so that a second make waits and finds the environment made.
$(READY): requirements.lock requirements-datasets.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "reglab needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12 ..."; exit 2; }
	@mkdir -p $(ENV); exec 9>>$(ENV)/.installing; \
	$(PYTHON) -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || exit 1; \
	if [ $@ -nt requirements.lock ] && [ $@ -nt requirements-datasets.lock ] && [ $@ -nt pyproject.toml ]; then exit 0; fi; \
	echo "Installing into $(ENV) (once, a few minutes) ..."; \
	$(PYTHON) -m venv $(ENV) \
		&& $(ENV)/bin/python -m pip install --quiet --requirement requirements.lock \
		&& $(ENV)/bin/python -m pip install --quiet --no-deps --requirement requirements-datasets.lock \
		&& $(ENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . \
		&& touch $@
