# Sourced by the other scripts: makes .venv with the package in it, once, and puts it on PATH.
# Usage: . scripts/environment.sh; ensure_environment [EXTRA]     (EXTRA: dev)

ensure_environment() {
    local extra="${1:-}" python="${PYTHON:-python3}" mark
    if ! command -v "$python" >/dev/null 2>&1; then
        echo "vgp_bench: no $python on this machine: install Python 3.11 or newer, or set PYTHON=/path/to/python" >&2
        return 1
    fi
    # The mark holds a hash of what is to be installed: a changed pyproject.toml installs anew.
    mark=".venv/.installed-${extra:-run}-$(cksum <pyproject.toml | cut -d' ' -f1)"
    # tests and scripts need the extras too, so an environment with them serves the demo as well
    if [ ! -f "$mark" ] && [ ! -f ".venv/.installed-dev-$(cksum <pyproject.toml | cut -d' ' -f1)" ]; then
        if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "vgp_bench: $("$python" --version 2>&1) is too old: Python 3.11 or newer is needed; set PYTHON=/path/to/it" >&2
            return 1
        fi
        if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "vgp_bench: $python has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2
            return 1
        fi
        [ -x .venv/bin/python ] || "$python" -m venv .venv || return 1
        echo "Installing vgp_bench and what it needs into .venv (torch is large: some minutes, once) ..." >&2
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".${extra:+[$extra]}" || {
            echo "vgp_bench: the installation failed; the message above says why. Mend it and run this again." >&2
            return 1
        }
        touch "$mark"
    fi
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
}
