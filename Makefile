# The commands of this project. `make` alone lists them.
BOT := .venv/bin/privacy-bot
PY  := .venv/bin/python

.PHONY: help run test bench setup dev check lint types layers golden pytest schema lock clean

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

run: setup  ## set everything up and start the bot
	@$(BOT) run

test: dev  ## set everything up and run every check
	@$(MAKE) --no-print-directory lint types layers check golden pytest

bench: dev  ## measure the engine beside others (BENCH_DATA, BENCH_SEEDS)
	@sh tools/setup.sh bench
	@var/bench/venv/bin/python -m bench

setup:  ## build .venv from the locked packages and fit the matcher
	@sh tools/setup.sh run
	@$(BOT) fit --quiet

dev:  # setup, and the packages of the checks
	@sh tools/setup.sh dev
	@$(BOT) fit --quiet

lint:
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types:
	@$(PY) -m mypy

layers:
	@.venv/bin/lint-imports

check:
	@$(BOT) check

golden:
	@$(BOT) test

pytest:
	@$(PY) -m pytest

schema:  ## write the JSON Schemas that editors complete with
	@$(PY) -m bot.workshop.schema

lock:  ## resolve the dependencies anew (needs uv)
	@sh tools/lock.sh

clean:  ## remove what setup and the checks made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info var
