# The commands of this project. `make` alone lists them.
BOT := .venv/bin/privacy-bot
PY  := .venv/bin/python

.PHONY: help run test bench e2e-browser pictures soak security image setup dev check lint types layers golden pytest schema privacy lock clean

help:  ## list these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1	\2/p' Makefile

run: setup  ## set everything up and start the bot
	@$(BOT) run

test: dev  ## set everything up and run every check
	@$(MAKE) --no-print-directory lint types layers check golden pytest

bench: dev  ## measure the engine beside others (BENCH_DATA, BENCH_SEEDS)
	@sh tools/setup.sh bench
	@var/bench/venv/bin/python -m bench

e2e-browser: setup  ## try the editors' preview in a real browser (needs chromium and chromedriver)
	@sh tools/setup.sh browser
	@var/browser/venv/bin/python -m pytest tests/browser

pictures: setup  ## draw the README's pictures of both platforms anew (needs chromium and chromedriver)
	@sh tools/setup.sh browser
	@var/browser/venv/bin/python tests/browser/pictures.py

soak: dev  ## ask the real process 50,000 questions over the wire (SOAK_QUESTIONS)
	@PYTHONPATH=.:tests:tests/wire $(PY) -m tests.wire.soak $(SOAK_QUESTIONS)

security: dev  ## look for known holes in what is installed, at the Dockerfile, and list all parts (var/sbom.cdx.json)
	@sh tools/setup.sh security
	@var/security/venv/bin/hadolint Dockerfile
	@var/security/venv/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file var/sbom.cdx.json $(PY)
	@var/security/venv/bin/pip-audit --disable-pip --require-hashes -r requirements/run.txt

image: dev  ## replay the steps of the Dockerfile in a clean folder, where no Docker engine runs
	@$(PY) tools/replay.py

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

# Most tests wait, so several files run at once; those that time something have the machine to themselves.
pytest:
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not alone"
	@$(PY) -m pytest -m alone

schema:  ## write the JSON Schemas that editors complete with
	@$(PY) -m bot.workshop.schema

privacy:  ## write PRIVACY.md from the texts of /privacy
	@$(PY) -m bot.workshop.policy

lock:  ## resolve the dependencies anew (needs uv)
	@sh tools/lock.sh

clean:  ## remove what setup and the checks made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info var
