# Two commands do everything: `make run` starts the chat, `make test` runs the tests. `make cluster`
# starts what a larger team has: two workers behind nginx, on PostgreSQL and Redis.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CI installs exactly what was tested, by hash; a laptop what its platform needs.
RUN_REQUIREMENTS := $(if $(CI),--require-hashes -r requirements.lock,-r requirements.txt)
TEST_REQUIREMENTS := $(if $(CI),--require-hashes -r tests/requirements.lock,-r tests/requirements.txt)

# Much of the tests' time is waiting: with nothing else asked for, three processes share them.
AT_ONCE := -n 3 --dist loadscope --no-loadscope-reorder

.PHONY: run cluster test soak screenshots fuzz lint lock messages clean

run: $(VENV)/run
	@$(BIN)/python manage.py runserver --noreload

cluster: $(VENV)/run
	@$(BIN)/python -m tests.cluster

test: $(VENV)/test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m pytest $(or $(ARGS),$(AT_ONCE))

# Everything that may go wrong, for as long as it takes; it ends with the figures of
# docs/reliability.md.
soak: $(VENV)/test
	@SOAK=1 $(BIN)/python -m pytest tests/faults -v --durations=20 $(ARGS)

# docs/screenshots: every state of the page, or those that are named: ONLY=offline,palette
screenshots: $(VENV)/test
	@$(BIN)/python -m tests.screenshots --only "$(ONLY)"

# Texts and frames that nobody thought of, an hour for each fuzzer: make fuzz FUZZ_SECONDS=600
fuzz: $(VENV)/test
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),3600) $(BIN)/python -m pytest tests/fuzz -v -s $(ARGS)

lint: $(VENV)/test
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/djade templates/*/*.html

$(VENV)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/python requirements.txt
	@echo "Installing what the chat needs (half a minute, once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(RUN_REQUIREMENTS)
	@touch $@

$(VENV)/test: $(VENV)/run requirements-optional.txt tests/requirements.txt
	@echo "Installing what the tests need …"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(TEST_REQUIREMENTS)
	@touch $@

# The versions and hashes of everything that is installed, on any platform.
lock: $(VENV)/test
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.txt -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-optional.txt -o requirements-optional.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header tests/requirements.txt -o tests/requirements.lock

# What there is to translate, brought into locale/, and what the server reads made of it (needs GNU
# gettext; docs/languages.md).
messages: $(VENV)/test
	@for domain in django djangojs; do $(BIN)/python manage.py makemessages --all --domain $$domain \
		--no-wrap --no-obsolete --add-location file --ignore 'tests/*' --ignore 'benchmarks/*' \
		--ignore 'static/vendor/*'; done
	@$(BIN)/python manage.py compilemessages --ignore .venv

clean:
	@rm -rf $(VENV) data
