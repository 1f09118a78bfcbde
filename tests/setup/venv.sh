#!/bin/sh
# venv.sh PYTHON DIR: make the virtual environment DIR, with pip in it, and touch nothing of the system.
#
# Debian keeps the half of Python that puts pip into an environment in a package of its own (python3-venv), which a
# fresh machine does not have. Then pip comes from the machine's own pip, or from a Debian package unpacked for it.
set -eu
python=$1 dir=$2
here=$(dirname "$0")

fail() {
    echo "$*" >&2
    exit 2
}

version=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null) ||
    fail "$python is not here or does not run: install Python 3.11 or newer, or name another one with PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is Python $version, and column-console needs 3.11 or newer: name another one with PYTHON=..."
if "$python" -c 'import ensurepip, venv; ensurepip.version()' 2>/dev/null; then
    exec "$python" -m venv --clear "$dir"
fi
if "$python" -m venv --clear --without-pip "$dir"; then
    if "$python" -m pip --python "$dir/bin/python" install --quiet --disable-pip-version-check pip 2>/dev/null; then
        exit 0
    fi
    # trixie: its pip is recent enough for each Python that we run on.
    if bash "$here/debian_packages.sh" .cache/pip trixie python3-pip-whl; then
        wheel=$(echo .cache/pip/root/usr/share/python-wheels/pip-*.whl)
        exec "$dir/bin/python" "$wheel/pip" install --quiet --disable-pip-version-check pip
    fi
fi
fail "$python can't put pip into a virtual environment: install its venv module (on Debian: apt-get install python3-venv)"
