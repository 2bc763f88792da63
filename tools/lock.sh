#!/bin/sh
# Resolve pyproject.toml into the universal, hashed locks. Needs uv on the PATH; nothing else does.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links "$@"
}
compile pyproject.toml requirements/build.in -o requirements/run.txt
for extra in dev bench browser; do
    compile pyproject.toml requirements/build.in --extra "$extra" -c requirements/run.txt -o "requirements/$extra.txt"
done
# Tools that look at the project from outside, and need nothing of it.
compile requirements/security.in -o requirements/security.txt
