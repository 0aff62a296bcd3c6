# Sourced by the other scripts: makes .venv with the package in it, once, and puts it on PATH.
# Usage: . scripts/environment.sh; ensure_environment [EXTRA]     (EXTRA: dev)
#
# Files it keeps in .venv:
#   .made_in               the folder the environment was made in; moved or copied elsewhere it does not work
#   .unfinished            the process that is making it; left behind only by one that was killed
#   .installed-EXTRA-HASH  complete, for the pyproject.toml with this hash
# A .venv without the first two is somebody else's: it is installed into, but never removed.

ensure_environment() {
    local extra="${1:-}" hash
    hash=$(cksum <pyproject.toml | cut -d' ' -f1)
    # tests and scripts need the extras too, so an environment with them serves the demo as well
    if ! _is_installed "${extra:-run}-$hash" && ! _is_installed "dev-$hash"; then
        _make_environment || return 1
        _install "$extra" "${extra:-run}-$hash" || return 1
    fi
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
}

_is_installed() { # MARK
    [ -x .venv/bin/python ] && [ ! -f .venv/.unfinished ] &&
        [ -f ".venv/.installed-$1" ] && [ "$(cat ".venv/.installed-$1")" = "$(pwd -P)" ]
}

_make_environment() {
    local python="${PYTHON:-python3}" here
    here=$(pwd -P)
    rmdir .venv 2>/dev/null || true # an empty folder is none
    if [ -f .venv/.unfinished ]; then
        if kill -0 "$(cat .venv/.unfinished)" 2>/dev/null; then
            echo "vgp_bench: process $(cat .venv/.unfinished) is installing into $here/.venv: wait until it is done" >&2
            return 1
        fi
    elif [ -f .venv/.made_in ]; then
        [ "$(cat .venv/.made_in)" = "$here" ] && [ -x .venv/bin/python ] && return 0
    elif [ -e .venv ] || [ -L .venv ]; then
        .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && return 0
        echo "vgp_bench: $here/.venv has no working Python 3.11 or newer with pip: remove it and run this again" >&2
        return 1
    fi
    _check_python "$python" || return 1
    if [ -e .venv ] || [ -L .venv ]; then
        echo "vgp_bench: .venv was left half made, has lost its Python or was moved here: making it anew" >&2
        rm -rf .venv || return 1
    fi
    mkdir .venv && echo "$$" >.venv/.unfinished && echo "$here" >.venv/.made_in || return 1
    "$python" -m venv .venv || {
        echo "vgp_bench: $python could not make $here/.venv; the message above says why" >&2
        return 1
    }
}

_check_python() { # PYTHON
    local version
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "vgp_bench: no $1 on this machine: install Python 3.11 or newer, or set PYTHON=/path/to/python" >&2
        return 1
    fi
    if ! version=$("$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null); then
        echo "vgp_bench: $1 does not run: install Python 3.11 or newer, or set PYTHON=/path/to/python" >&2
        return 1
    fi
    if ! "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "vgp_bench: $1 is Python $version, too old: 3.11 or newer is needed; set PYTHON=/path/to/it" >&2
        return 1
    fi
    if ! "$1" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "vgp_bench: $1 has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2
        return 1
    fi
}

_install() { # EXTRA MARK
    local done=0
    echo "Installing vgp_bench and what it needs into .venv (torch is large: some minutes, once) ..." >&2
    rm -f .venv/.installed-* # what they say is no longer so
    [ ! -f .venv/.made_in ] || echo "$$" >.venv/.unfinished
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".${1:+[$1]}" || done=$?
    # pip that ends by itself, also with an error or at Ctrl-C, leaves nothing half installed.
    rm -f .venv/.unfinished
    if [ "$done" -ne 0 ]; then
        echo "vgp_bench: the installation failed; the message above says why. Mend it and run this again." >&2
        return 1
    fi
    pwd -P >".venv/.installed-$2"
}
