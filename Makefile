# One command for each thing one does here; `make` lists them. Each installs what it needs into .venv or .venv-bench.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
FUZZ_SECONDS ?= 60
FUZZ_VERSION := 0.13.2
# It reads what the compiler says of a crate, in the forms of a few versions of the compiler.
SEMVER_CHECKS_VERSION := 0.51.0
ATHERIS := atheris==3.0.0
BENCH_ARGS ?=
FAULT_CALLS ?= 100000
UPDATE ?=
PYTEST_ARGS ?=
PYTHONS ?=
TEST_PYTHONS_ARGS ?=
CONFORMANCE_ARGS ?=
# `no` lets `make semver` go without cargo-semver-checks where that is not installed.
SEMVER_CHECKS ?= yes
SINCE ?= $(or $(shell git describe --tags --abbrev=0 2>/dev/null),HEAD)

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
BENCH_VENV := $(CURDIR)/.venv-bench
FUZZ_VENV := $(CURDIR)/.venv-fuzz
TARGET := $(or $(CARGO_TARGET_DIR),target)
LOADGEN := $(TARGET)/bench/loadgen
FLOOR := $(TARGET)/bench/echo
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

# PyO3 asks this interpreter how to build; a fixed answer keeps `make check` and `make build` from undoing each other.
export PYO3_PYTHON := $(BIN)/python
export VIRTUAL_ENV := $(VENV)

# The binding is a Python extension: it is tested from Python, and does not link into a test program of its own.
CARGO_TEST := cargo test --locked --workspace --exclude fastthrift-python --all-features
# The crates that are published: all but the binding, which goes into the wheel, and those that are for tests.
CARGO_PACKAGE := cargo package --locked --workspace --exclude fastthrift-python --exclude fastthrift-testing --exclude fastthrift-generated --exclude fastthrift-guide --exclude fastthrift-peers
# What `fastthrift` is checked with, besides all its features at once: each by itself that brings code, and those that meet in it.
FEATURE_SETS := "" std,bytes blocking blocking-tls dynamic tokio tls tower,tracing,metrics blocking,dynamic tokio,dynamic tokio,blocking,tls
PACKAGE_SOURCES := Cargo.toml Cargo.lock pyproject.toml \
	$(shell find crates -path crates/fastthrift-testing -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print)
STUB := $(wildcard python/fastthrift/_core.pyi)
TYPED := $(wildcard tools/*.py) $(wildcard conformance/*.py) $(wildcard benches/*.py benches/*/*.py) $(wildcard examples/*/*.py)
PACKAGE_TYPED := $(wildcard python/fastthrift/__init__.py) $(wildcard tests/typing/*.py) \
	tests/python/test_load.py tests/python/test_server.py

##@ Everyday

.PHONY: help
help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: $(DONE)/build ## Build the release package into .venv

.PHONY: demo
demo: $(DONE)/build $(DONE)/demo ## Run the main job on real input and print what ran
	$(BIN)/python -m examples.demo

.PHONY: test
test: test-rust test-python ## Run all tests

.PHONY: test-rust
test-rust: ## Run the Rust tests alone
	$(CARGO_TEST)

.PHONY: test-python
test-python: $(DONE)/build $(DONE)/test ## Run the Python tests alone (PYTEST_ARGS=...)
	tools/run_tests $(BIN)/python $(PYTEST_ARGS)

.PHONY: conformance
conformance: $(DONE)/build $(DONE)/test ## Talk to Apache's libraries in other languages (CONFORMANCE_ARGS="--only 'go tcp'")
	conformance/install
	$(BIN)/python -m conformance.run $(CONFORMANCE_ARGS)

.PHONY: check
check: check-rust check-docs check-package check-python check-stubs ## Check formatting, lints, types, documentation, layers and house rules

##@ Now and then

.PHONY: bench
bench: $(DONE)/build $(BENCH_VENV)/done $(LOADGEN) $(FLOOR) ## Compare with the peers (BENCH_ARGS="--part codec --write")
	$(BENCH_VENV)/bin/python -m benches.run --loadgen $(LOADGEN) --floor $(FLOOR) $(BENCH_ARGS)

.PHONY: check-instructions
check-instructions: $(DONE)/venv ## Hold the Rust walk to its kept instruction counts (UPDATE=1 keeps new ones)
	$(BIN)/python tools/check_instructions.py $(if $(UPDATE),--update)

.PHONY: public-api
public-api: $(DONE)/venv ## Hold the crates' public interfaces to docs/api (UPDATE=1 keeps what is there now)
	$(BIN)/python tools/public_api.py $(if $(UPDATE),--update)

.PHONY: semver
semver: ## Hold the crates to Semantic Versioning since a revision, by default the last tag (SINCE=..., SEMVER_CHECKS=no)
	@if git diff --quiet $(SINCE) -- Cargo.toml crates docs/api; then \
		echo "semver: the crates are those of $(SINCE), which says nothing; SINCE=REVISION compares with another"; \
	else \
		$(MAKE) --no-print-directory semver-since SINCE=$(SINCE); \
	fi

.PHONY: semver-since
semver-since: $(DONE)/venv
	$(BIN)/python tools/public_api.py --since $(SINCE)
	@echo "semver: names and signatures, as docs/api keeps them, were compared with those of $(SINCE)"
	@# The libraries that were there then are those whose interface was kept.
	@libraries=$$(git ls-tree --name-only $(SINCE) docs/api/ | sed -n 's|^docs/api/\(.*\)\.txt$$|--package \1|p'); \
	if [ -z "$$libraries" ]; then \
		echo "semver: $(SINCE) keeps no interface in docs/api, so that there is nothing to compare with" >&2; exit 1; \
	elif command -v cargo-semver-checks >/dev/null; then \
		RUSTC_BOOTSTRAP=1 cargo semver-checks --baseline-rev $(SINCE) $$libraries; \
		echo "semver: cargo-semver-checks compared with $(SINCE):" $$libraries; \
	elif [ "$(SEMVER_CHECKS)" = no ]; then \
		echo "semver: cargo-semver-checks, which knows more rules, was NOT run: it is not installed"; \
	else \
		echo "semver: cargo-semver-checks, which knows more rules, is missing: install it (cargo install --locked" \
			"--version $(SEMVER_CHECKS_VERSION) cargo-semver-checks), or say SEMVER_CHECKS=no to go without" >&2; exit 1; \
	fi

.PHONY: package
package: $(DONE)/tools ## Build all that is published into dist: the source package, the wheel from it, and the crates
	rm -rf dist
	$(BIN)/maturin sdist --out dist
	PATH="$(BIN):$$PATH" $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	$(CARGO_PACKAGE)
	cp $(TARGET)/package/*.crate dist

.PHONY: loom
loom: ## Try every order in which threads can share a connection of the Rust runtime (models in model.rs)
	RUSTFLAGS="--cfg fastthrift_loom" cargo test --locked --quiet -p fastthrift --lib --target-dir $(TARGET)/loom model::

.PHONY: test-pythons
test-pythons: $(DONE)/venv ## Run a part of the Python tests by each other Python here (PYTHONS="paths", TEST_PYTHONS_ARGS=...)
	$(BIN)/python tools/test_pythons.py $(TEST_PYTHONS_ARGS) $(PYTHONS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZ_SECONDS each
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --version $(FUZZ_VERSION) cargo-fuzz
	for target in $$(cargo +nightly fuzz list); do \
		cargo +nightly fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048; \
	done

.PHONY: fuzz-python
fuzz-python: $(DONE)/build ## Fuzz the Python package with Atheris for FUZZ_SECONDS
	$(BIN)/python -m venv $(FUZZ_VENV)
	if $(FUZZ_VENV)/bin/python $(PIP_INSTALL) $(ATHERIS); then \
		PYTHONPATH=$(CURDIR)/python $(FUZZ_VENV)/bin/python -m fuzz.python.run -max_total_time=$(FUZZ_SECONDS) \
			-timeout=10 -rss_limit_mb=2048 fuzz/corpus/python; \
	else \
		echo "fuzz-python: $(ATHERIS) cannot be installed for this Python, which may be too new for it"; \
	fi

.PHONY: faults
faults: $(DONE)/build $(DONE)/test ## Call through a proxy that breaks things, FAULT_CALLS times whole and flipped
	$(BIN)/python -m tests.faults.run --calls $(FAULT_CALLS)
	$(BIN)/python -m tests.faults.run --calls $(FAULT_CALLS) --flip

.PHONY: format
format: $(DONE)/tools ## Format all sources
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## Remove what these commands made
	rm -rf target dist fuzz/target $(VENV) $(BENCH_VENV) $(FUZZ_VENV) .venv-pythons python/fastthrift/*.so

# ---- what `check` consists of ----

.PHONY: check-rust
check-rust: $(DONE)/venv
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	for features in $(FEATURE_SETS); do \
		cargo clippy --locked --quiet -p fastthrift --no-default-features --features "$$features" --target-dir $(TARGET)/bare \
			-- -D warnings || { echo "check: that is fastthrift with the features '$$features'"; exit 1; }; \
	done
	$(BIN)/python tools/check_layers.py
	$(BIN)/python tools/public_api.py

# The command has the name of the crate `fastthrift`, so it cannot be documented beside it.
.PHONY: check-docs
check-docs: $(DONE)/venv
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --all-features --workspace \
		--exclude fastthrift-generated --exclude fastthrift-guide --exclude fastthrift-peers --exclude fastthrift-cli

# That what is packaged compiles is a part of `make package`, which takes minutes.
.PHONY: check-package
check-package: $(DONE)/venv
	said=$$($(CARGO_PACKAGE) --no-verify --allow-dirty 2>&1) || { echo "$$said"; exit 1; }; ! grep -A 5 '^warning' <<<"$$said"

.PHONY: check-python
check-python: $(DONE)/tools $(DONE)/test
	$(BIN)/python tools/check_house.py
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED) $(PACKAGE_TYPED)
	$(BIN)/pyright --pythonpath $(BIN)/python

# The stub says what the built module has, so this needs the package.
.PHONY: check-stubs
check-stubs: $(if $(STUB),$(DONE)/build $(DONE)/tools)
	$(if $(STUB),MYPYPATH=python $(BIN)/python -m mypy.stubtest fastthrift._core,@echo "no stub for the native module yet")

# ---- what gets installed, each once ----

$(DONE)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "fastthrift needs Python 3.10 or later")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(DONE) && touch $@

$(DONE)/tools: tools/requirements.txt | $(DONE)/venv
	$(BIN)/python $(PIP_INSTALL) -r $<
	@touch $@

# The bindings of Kerberos are compiled here, and nobody measures them: without optimisation that takes half the time.
$(DONE)/test: tests/requirements.txt tests/requirements-kerberos.txt | $(DONE)/venv
	$(BIN)/python $(PIP_INSTALL) -r $<
	if ! command -v krb5-config >/dev/null || \
		! CFLAGS="-O0 -g0" $(BIN)/python $(PIP_INSTALL) -r tests/requirements-kerberos.txt; then \
		echo "test: no Kerberos to build with here; what needs it is skipped"; \
	fi
	@touch $@

$(DONE)/demo: $(wildcard examples/demo/requirements.txt) | $(DONE)/venv
	$(if $<,$(BIN)/python $(PIP_INSTALL) -r $<)
	@touch $@

$(DONE)/build: $(PACKAGE_SOURCES) | $(DONE)/tools
	$(BIN)/maturin develop --release --locked --quiet
	@touch $@

# The peers have an environment of their own: what they pull in must not reach the tests. The package is the built one.
$(BENCH_VENV)/done: benches/requirements.txt benches/requirements-optional.txt | $(DONE)/venv
	$(BIN)/python -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python $(PIP_INSTALL) -r benches/requirements.txt
	for wanted in $$(grep -v '^#' benches/requirements-optional.txt); do \
		$(BENCH_VENV)/bin/python $(PIP_INSTALL) "$$wanted" || echo "bench: goes on without $$wanted"; \
	done
	echo $(CURDIR)/python > "$$($(BENCH_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fastthrift.pth"
	@touch $@

$(LOADGEN) $(FLOOR): $(TARGET)/bench/%: benches/loadgen/%.c
	@mkdir -p $(@D)
	cc -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $<
