# Each target sets up what it needs in $(VENV) and may be run again at any time; the second run is quick.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT := build/certify
KEYS := build/keys
EXTRAS := conformance,cron,publish,testing,redis,watch
PEER_PYTHON ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python3) $(shell command -v python3.13))

# The browser's driver brings trio, which Hypothesis would import in every process: half of what its own import takes.
export HYPOTHESIS_NO_PLUGINS := 1

# Where it is set, every process compiles what it imports once more: pytest's workers, the commands that tests run, the kit.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: certify certify-builtin release-dry-run test test-downstream test-long test-page test-runs test-servers test-slow kill-matrix lint mutants types format bench docs coverage clean
.DELETE_ON_ERROR:

# Python compiles what is imported; to compile all that is installed takes longer than to install it.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}. Say make PYTHON=/path/to/python3.11") if v < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[$(EXTRAS)]' --group dev --group docs --group peer
	@touch $@

# The main job: judge the example repository from the wheel it builds, and show where report, page and certificate are.
# The key is made by the first run and stays on this machine; a release is signed with one of its own.
certify: $(READY)
	@rm -rf $(OUT) && mkdir -p $(OUT)/wheel
	@test -f $(KEYS)/certify.private.pem || $(BIN)/oneiric-core keys generate --output-dir $(KEYS) --name certify > /dev/null
	@$(BIN)/python -m build --no-isolation --wheel conformance/acme --outdir $(OUT)/wheel > $(OUT)/build.log 2>&1 || { cat $(OUT)/build.log; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(OUT)/wheel/*.whl
	@cd conformance/acme && ../../$(BIN)/python -m pytest --oneiric-conformance --oneiric-level core \
		--oneiric-wheel='../../$(OUT)/wheel/*.whl' --oneiric-report=../../$(OUT)/report.json \
		--oneiric-html=../../$(OUT)/report.html --oneiric-badge=../../$(OUT)/badge.svg --junitxml=../../$(OUT)/junit.xml \
		--oneiric-certificate=../../$(OUT)/certificate.json --oneiric-signing-key=../../$(KEYS)/certify.private.pem
	@$(BIN)/oneiric-core certificate verify $(OUT)/certificate.json --public-key $(KEYS)/certify.public.pem --wheel $(OUT)/wheel/*.whl > /dev/null
	@printf '\ncertified, and the certificate verified. Look at:\n'
	@printf '  report       %s\n  page         %s\n  badge        %s\n  certificate  %s\n  public key   %s\n' \
		$(OUT)/report.json $(OUT)/report.html $(OUT)/badge.svg $(OUT)/certificate.json $(KEYS)/certify.public.pem

# Two releases of the example repository, by the steps of .github/workflows/release.yml, to S3 and GCS on this machine.
release-dry-run: $(READY)
	@$(BIN)/python tests/publish/dry_run.py

test: $(READY)
	@$(BIN)/python -m pytest -n auto -m "not slow and not long"

test-slow: $(READY)
	@$(BIN)/python -m pytest -n auto -m "slow and not long"

test-long: $(READY)
	@$(BIN)/python -m pytest -n auto -m long

# Every check against the mutants it has to kill, in the areas that take too long for the quick suite.
kill-matrix: $(READY)
	@$(BIN)/python -m pytest -n auto -q -m long tests/conformance/test_kill_matrix.py -k "kills_each_of_its or reference_components"

# Are the tests of ROOM any good? tests/mutation/rooms.py has the names; a run that was ended goes on where it stopped.
mutants: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group mutation
	@$(BIN)/python tests/mutation/run.py $(ROOM)

# The kit run by an author as a whole: over a wheel, and on several workers.
test-runs: $(READY)
	@$(BIN)/python -m pytest -n auto -q -m long tests/plugin/test_certificates.py tests/plugin/test_collection.py -k "leaves_its_certificate or items and load]"

# What needs a server or client that Debian has and PyPI has not: redis-server, curl.
test-servers: $(READY)
	@$(BIN)/python -m pytest -n auto -q -m long tests/builtin/test_caches.py tests/builtin/test_memory_to_redis.py tests/conformance/test_saving.py \
		tests/testing/test_wire_clients.py tests/testing/test_wire_tls.py

# The fixtures in a project of somebody else's, with the oldest and the newest pytest and each of the async plugins.
test-downstream: $(READY)
	@$(BIN)/python -m pytest -q -m long tests/plugin/test_downstream.py

# What we ship, by the kit that others are held to.
certify-builtin: $(READY)
	@$(BIN)/python -m pytest -n auto -q -m long tests/builtin/test_certified.py

# The page that shows a report, in a real browser: Debian's chromium and chromium-driver.
test-page: $(READY)
	@$(BIN)/python -m pytest -q -m long tests/conformance/reporting

coverage: $(READY)
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n auto -q -m "not long"
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report --fail-under=95

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy tests/typing/downstream_types.py tests/typing/slips.py
	@$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(READY)
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

# Beside the published package, where there is a Python that can run it.
bench: $(READY)
	@test -z "$(PEER_PYTHON)" || $(MAKE) --no-print-directory PYTHON=$(PEER_PYTHON) VENV=.venv-newest .venv-newest/.ready
	@$(BIN)/python tests/benchmarks/run.py

docs: $(READY)
	@$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

clean:
	@rm -rf build dist mutants docs/_build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis $(VENV) .venv-*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
