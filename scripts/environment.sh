# The other scripts source this file. It makes .venv from a lock file and installs Debian packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The Python of the virtual environment, and where that is.
python=${SUPERVISOR_PYTHON:-python3} venv=.venv${SUPERVISOR_PYTHON:+-$(basename "$SUPERVISOR_PYTHON")}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Ends with what is to be done if this user cannot install packages.
can_install() {
    command -v apt-get >/dev/null || { echo "cannot install $*: there is no apt-get" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || {
        echo "cannot install $*: this user is not root and there is no sudo;" \
            "let root run: apt-get install $*" >&2
        exit 1
    }
}

# Installs those of the Debian packages that are missing. It asks no questions, and it does not
# start the daemons in these packages.
debian() {
    local installed missing=() package
    installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null \
        | sed -n 's/^installed //p' | tr '\n' ' ' || true) "
    for package in "$@"; do
        [[ $installed == *" $package "* ]] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    can_install "${missing[@]}"
    echo "installing Debian packages: ${missing[*]}" >&2
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        trap "as_root rm -f $policy" EXIT
    fi
    as_root apt-get update -qq </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" </dev/null >&2
    if [ -n "$(trap -p EXIT)" ]; then
        as_root rm -f $policy
        trap - EXIT
    fi
}

# Tells whether the virtual environment works. It does not after an upgrade of the system has put
# another Python in the place of its own.
environment_works() { "$venv/bin/python" -P -c "import attrs" 2>/dev/null; }

# Installs the packages of a lock file into the virtual environment, verifies their hashes and
# compiles them. At last it copies the lock file there. So it repeats an installation that was
# interrupted.
environment() {
    local lock=$1
    if ! cmp -s "$lock" "$venv/$lock" || ! environment_works; then
        "$python" -P -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
        "$python" -P -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            || { echo "cannot set up: $python is older than 3.11" >&2; exit 1; }
        echo "setting up $venv from $lock" >&2
        [ -e "$venv/requirements.lock" ] && environment_works || "$python" -m venv --clear "$venv"
        # Not bin/pip: it names the directory in which the environment was made.
        "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps \
            --require-hashes --requirement "$lock" </dev/null \
            || { echo "cannot set up: pip failed; does it reach a package index?" >&2; exit 1; }
        # The development lock contains all packages of requirements.lock.
        [ "$lock" = requirements.lock ] || cp requirements.lock "$venv/"
        cp "$lock" "$venv/"
    fi
    "$venv/bin/python" -m compileall -q supervisor checks
}
