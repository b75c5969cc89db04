# 'make' alone says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Tests call the command line hundreds of times: it need not be compiled each time.
unexport PYTHONDONTWRITEBYTECODE
# From nothing it reads types for a minute.
export MYPY_CACHE_DIR := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/provisioner/mypy

# Commands have no ending that would tell: their first line does.
programs = $(shell find scripts roles molecule -type f ! -name '*.py' ! -name '*.j2' \
  -exec awk 'FNR == 1 && /^\#!.*[\/ ]$(1)/ {print FILENAME} {nextfile}' {} +)
SCRIPTS := .ci/run $(call programs,(ba)?sh)
PYTHON := provisioner tests benchmarks plugins roles $(call programs,python)

.PHONY: help bootstrap bootstrap-test lab lab-down test lint unit browser servers molecule fleet bench format

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

bootstrap: ## Install what is needed, on this machine and in .venv
	@scripts/bootstrap

bootstrap-test: bootstrap ## And what only tests need: name servers, a web server, a browser
	@scripts/bootstrap test

lab: bootstrap ## A whole fleet on this machine, and mail through it
	provisioner lab up
	provisioner lab prove

lab-down: bootstrap ## Remove the lab
	provisioner lab down

# For an hour machines come and go, at times without a terminal: a password that sudo asks for would be missed late.
.PHONY: unattended
unattended:
	@[ "$$(id -u)" = 0 ] || sudo -n -k true 2>/dev/null || { echo "This needs root, or sudo that never asks for a \
	password: with visudo, '$$(id -un) ALL=(ALL) NOPASSWD: ALL'." >&2; exit 3; }

test: unattended bootstrap-test ## Everything: unit, name server, browser, fleet tests and, beside them, lint and Molecule's
	pytest --durations=40 --durations-min=5 \
	  tests/unit tests/servers tests/browser tests/lint tests/fleet tests/molecule

lint: bootstrap ## Style, types, and documentation that agrees with the roles
	@$(MAKE) --no-print-directory --jobs=2 --output-sync $(LINTERS)

LINTERS := lint-ansible lint-types lint-python lint-yaml lint-shell lint-readmes
.PHONY: $(LINTERS)

lint-ansible:
	ansible-lint --offline --strict

lint-types:
	mypy

lint-python:
	ruff check $(PYTHON)
	ruff format --check $(PYTHON)

lint-yaml:
	yamllint --strict .

lint-shell:
	shellcheck $(SCRIPTS)

lint-readmes:
	scripts/role-readmes --check

unit: bootstrap-test ## Tests that need no machines
	pytest tests/unit

browser: bootstrap-test ## Pages that customers get, in a real browser
	pytest tests/browser

servers: bootstrap-test ## What needs real servers on this machine's loopback: BIND, Knot, Unbound, nginx
	pytest tests/servers

molecule: bootstrap ## Each role by itself, on fresh machines
	pytest tests/molecule

fleet: unattended bootstrap-test ## The whole lab: wrong passwords, forged senders, hosts that die
	pytest tests/fleet

bench: bootstrap ## How fast it is, in ratios
	python -m benchmarks

format: bootstrap ## Format the sources, write the roles' README files
	ruff check --fix-only $(PYTHON)
	ruff format $(PYTHON)
	scripts/role-readmes
