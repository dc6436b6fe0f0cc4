# scripts/test and scripts/test-systemd source this file for --world NAME. A world is this project
# with another Debian, Alertmanager, database, kernel or Python. All is kept in
# $SUPERVISOR_TEST_CACHE for the next run. apt gets the packages of other suites from where this host
# gets its own, and verifies their signatures. It does not change this host's packages.
source "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
cache=${SUPERVISOR_TEST_CACHE:-/var/tmp/supervisor-tests}
worlds="bookworm, trixie, sid, alertmanager-0.28, alertmanager-0.33, linux, mysql, python3.N"

# Prints the address of the Debian archive that this host's apt uses.
debian_archive() {
    local suite found
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    for found in "" "update -qq"; do # without package lists there is no answer
        [ -z "$found" ] || as_root apt-get update -qq >&2 </dev/null
        found=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
            | sed -n "s/^$suite main //p" | head -n 1)
        [ -z "$found" ] || { echo "$found"; return; }
    done
    echo "apt has no sources for $suite" >&2
    return 1
}

# Unpacks packages of another suite into a directory: unpack DIRECTORY SUITE PACKAGE…
unpack() {
    local target=$1 suite=$2 apt archive package
    shift 2
    [ ! -e "$target" ] || return 0
    archive=$(debian_archive)
    echo "unpacking $* of $suite" >&2
    rm -rf "$target.making"
    mkdir -p "$target.making/apt/lists/partial" "$target.making/apt/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" \
        >"$target.making/apt/sources"
    apt=(apt-get -qq -o Dir::Etc::SourceList="$target.making/apt/sources" -o Dir::Etc::SourceParts=-
        -o Dir::State::Lists="$target.making/apt/lists" -o Dir::Cache="$target.making/apt"
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2
    (cd "$target.making/apt" && "${apt[@]}" download "$@" >&2)
    for package in "$target.making"/apt/*.deb; do dpkg-deb -x "$package" "$target.making"; done
    rm -rf "$target.making/apt"
    mv "$target.making" "$target"
}

# Makes the root of a Debian: make_root DIRECTORY SUITE. In it is not more than a new host has.
make_root() {
    local root=$1 suite=$2 archive
    [ "$(id -u)" = 0 ] || { echo "only root can make a Debian; use sudo" >&2; return 1; }
    [ ! -e "$root" ] || return 0
    debian debootstrap
    archive=$(debian_archive)
    echo "making a Debian $suite in $root" >&2
    rm -rf "$root.making"
    unshare --mount --propagation private -- \
        debootstrap --variant=minbase "$suite" "$root.making" "$archive" >"$root.log" </dev/null \
        || { tail -n 5 "$root.log" >&2; return 1; }
    apt-config dump Acquire >"$root.making/etc/apt/apt.conf.d/10host" # proxies, for example
    echo 'Acquire::Check-Valid-Until "false";' >"$root.making/etc/apt/apt.conf.d/20archive"
    mv "$root.making" "$root"
}

# Copies the project into a root, where its .venv stays.
copy_project() {
    local target=$1/srv/supervisor
    mkdir -p "$target"
    find "$target" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
    tar -c --exclude='./.venv*' --exclude=__pycache__ --exclude='./.*_cache' . | tar -x -C "$target"
}

# The commands that make a directory the root of a mount namespace. Its mounts end with it.
ENTER='
root=$1 && shift
mount --bind "$root" "$root" && cd "$root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run && mkdir -m 1777 run/lock
cp --remove-destination --dereference /etc/resolv.conf etc/resolv.conf
cp --dereference /etc/hosts etc/hosts
mkdir -p .outside && pivot_root . .outside
cd / && umount -l /.outside
cd /srv/supervisor && exec "$@"
'

# Runs a command in a root with the environment of a new host: run_in ROOT COMMAND…
run_in() {
    local root=$1 kept=() name
    shift
    for name in HYPOTHESIS_PROFILE TERM PIP_INDEX_URL "${!SUPERVISOR_@}"; do
        [ -z "${!name+set}" ] || kept+=("$name=${!name}")
    done
    if [ -e "${PIP_CERT:-}" ]; then
        cp --dereference "$PIP_CERT" "$root/etc/pip-cert.pem"
        kept+=(PIP_CERT=/etc/pip-cert.pem)
    fi
    copy_project "$root"
    flock "$root" unshare --mount --propagation private -- bash -euc "$ENTER" enter "$root" \
        /usr/bin/env -i HOME=/root LANG=C.UTF-8 "${kept[@]}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# Runs the tests in a Debian of another suite, as a newcomer does there.
in_debian() {
    local suite=$1 root=$cache/world-$1
    shift
    make_root "$root" "$suite"
    run_in "$root" scripts/test "$@"
}

# Runs tests with the Alertmanager of another suite; by default, those that use it.
with_alertmanager() {
    local version=$1 suite=$2 target=$cache/alertmanager-$1 program found
    shift 2
    unpack "$target" "$suite" prometheus-alertmanager
    program=$target/usr/bin/prometheus-alertmanager
    found=$("$program" --version 2>&1 | sed -n 's/^alertmanager, version \([0-9.]*\).*/\1/p')
    [[ $found == "$version".* ]] \
        || { echo "$suite has Alertmanager $found, not $version" >&2; return 1; }
    [ $# -gt 0 ] || set -- -n 4 --dist loadfile tests/e2e
    PATH=$target/usr/bin:$PATH SUPERVISOR_TEST_ALERTMANAGER=$program scripts/test "$@"
}

# Runs the tests of databases with MySQL, in a Debian that has it.
with_mysql() {
    local root=$cache/world-mysql
    make_root "$root" sid
    [ $# -gt 0 ] || set -- tests/e2e/test_databases.py tests/e2e/test_databases_stuck.py \
        tests/e2e/test_databases_supervised.py tests/e2e/test_pnr_checks.py \
        tests/e2e/test_pnr_report.py
    SUPERVISOR_TEST_DATABASE=mysql run_in "$root" bash -c '
        source scripts/environment.sh
        environment requirements-dev.lock
        debian mysql-server-core prometheus-alertmanager
        exec "$venv/bin/python" -m pytest "$@"' pytest "$@"
}

# Runs the tests with another Python of this host, such as python3.13.
with_python() {
    local python=$1
    shift
    "$python" -c 'import ensurepip, venv' \
        || { echo "there is no $python with venv in PATH; or use --world trixie" >&2; return 1; }
    SUPERVISOR_PYTHON=$python scripts/test "$@"
}

in_world() {
    local world=$1
    shift
    mkdir -p "$cache"
    case $world in
        bookworm | trixie | sid) in_debian "$world" "$@" ;;
        alertmanager-0.28) with_alertmanager 0.28 trixie "$@" ;;
        alertmanager-0.33) with_alertmanager 0.33 sid "$@" ;;
        linux) with_linux "$@" ;;
        mysql) with_mysql "$@" ;;
        python3.*) with_python "$world" "$@" ;;
        *) echo "there is no world $world; there are $worlds" >&2; return 2 ;;
    esac
}
