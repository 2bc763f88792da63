#!/bin/sh
# Resolve pyproject.toml into the three universal, hashed locks. Needs uv on the PATH; nothing else does.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links pyproject.toml requirements/build.in "$@"
}
compile -o requirements/run.txt
compile --extra dev -c requirements/run.txt -o requirements/dev.txt
compile --extra bench -c requirements/run.txt -o requirements/bench.txt
