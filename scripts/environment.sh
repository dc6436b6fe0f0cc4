# The other scripts source this file. It makes .venv from a lock file and installs Debian packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
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

# Installs the packages of a lock file into .venv, verifies their hashes and compiles them. At last
# it copies the lock file to .venv. So it repeats an installation that was interrupted.
environment() {
    local lock=$1
    if ! cmp -s "$lock" ".venv/$lock"; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            || { echo "cannot set up: python3 is older than 3.11" >&2; exit 1; }
        echo "setting up .venv from $lock" >&2
        [ -x .venv/bin/pip ] && [ -e .venv/requirements.lock ] || python3 -m venv --clear .venv
        .venv/bin/pip install --quiet --no-input --disable-pip-version-check --no-deps \
            --require-hashes --requirement "$lock" </dev/null
        # The development lock contains all packages of requirements.lock.
        [ "$lock" = requirements.lock ] || cp requirements.lock .venv/
        cp "$lock" .venv/
    fi
    .venv/bin/python -m compileall -q supervisor checks
}
