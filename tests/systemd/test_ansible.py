"""The role of configs/ansible: Ansible runs inside a new host, over its local connection."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd import packages
from tests.systemd.machine import CACHE, SUITE, Machine, base
from tests.systemd.test_package import Host, booted
from tests.systemd.test_unit import show, status, wait_for

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parent.parent.parent
APT = ("python3-apt", "python-apt-common", "distro-info-data")
"""What Ansible's module `apt` needs, and a minimal Debian does not have."""

PLAYBOOK = """
- hosts: all
  roles:
    - role: supervisor
      vars:
        supervisor_package: /srv/packages/{package}
        supervisor_services: {services}
        supervisor_absent_services: {absent}
        supervisor_service_files: /srv/play/services
        supervisor_secrets: {{ token: s3cret-token }}
"""
SERVICE = """
service = "{service}"
[alertmanager]
urls = ["http://127.0.0.1:1"]
bearer_token = {{ credential = "token" }}
"""
MODULE = """
[[modules]]
check = "{check}"
every = "1s"
[modules.params]
filesystems = [{{ filesystem = "/", max_use_percent = 0 }}]
"""


def site_packages() -> Path:
    """Return where the packages of this environment are, Ansible among them."""
    return next(Path(each) for each in sys.path if each.endswith("site-packages"))


def apt_packages() -> Path:
    """Return a directory with the packages of `APT`, of this host's suite."""
    found = CACHE / f"apt-{SUITE}"
    if not found.exists():
        making = found.with_suffix(".making")
        making.mkdir(parents=True, exist_ok=True)
        download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *APT]
        subprocess.run(download, check=True, cwd=making, stdin=subprocess.DEVNULL)
        making.rename(found)
    return found


@pytest.fixture
def host() -> Iterator[Host]:
    if (base() / "usr/bin/python3").readlink().name != f"python3.{sys.version_info.minor}":
        pytest.skip("the Python of the machine cannot run the Ansible of this environment")
    binds = {apt_packages(): "/srv/apt", site_packages(): "/srv/site-packages"}
    binds |= {ROOT / "configs" / "ansible" / "roles": "/srv/play/roles"}
    with booted(SUITE, *(f"--bind-ro={each}:{where}" for each, where in binds.items())) as made:
        made.dpkg("-i", "/srv/apt/*.deb")
        yield made


def play(machine: Machine, services: str, absent: str = "[]", package: str = "old.deb") -> str:
    """Run the playbook; return what Ansible says."""
    text = PLAYBOOK.format(package=package, services=services, absent=absent)
    machine.write("/srv/play/site.yml", text)
    environment = {"PYTHONPATH": "/srv/site-packages", "ANSIBLE_NOCOLOR": "1"}
    environment["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"
    command = "cd /srv/play; /usr/bin/python3 -m ansible playbook -c local -i localhost, site.yml"
    return machine.run(command, environment, check=False, timeout=600).stdout


def write_service(machine: Machine, name: str, *checks: str) -> None:
    modules = "".join(MODULE.format(check=check) for check in checks)
    text = SERVICE.format(service=name.upper()) + modules
    machine.write(f"/srv/play/services/{name}.toml", text)


def modules(machine: Machine) -> list[str]:
    return [each["name"] for each in status(machine, "shop")["modules"]]


def test_the_role_installs_reloads_upgrades_and_refuses_a_wrong_file(host: Host) -> None:
    machine = host.machine
    write_service(machine, "shop", "disk")
    first = play(machine, "[shop]")
    assert "failed=0" in first, first
    wait_for(machine, "shop", lambda: modules(machine) == ["disk"])
    credentials = machine.run("ls /run/credentials/supervisor@shop.service").stdout
    assert credentials == "token\n"
    assert "s3cret" not in first

    again = play(machine, "[shop]")
    assert "changed=0" in again, again

    pid = show(machine, "shop", "MainPID")
    write_service(machine, "shop", "disk", "inode")
    changed = play(machine, "[shop]")
    assert "failed=0" in changed, changed
    wait_for(machine, "shop", lambda: modules(machine) == ["disk", "inode"])
    assert show(machine, "shop", "MainPID") == pid

    write_service(machine, "shop", "dsk")
    refused = play(machine, "[shop]")
    assert "failed=1" in refused, refused
    assert "there is no check 'dsk'" in refused
    assert "inode" in machine.run("cat /etc/supervisor/shop.toml").stdout

    write_service(machine, "shop", "disk")
    upgraded = play(machine, "[shop]", package="new.deb")
    assert "failed=0" in upgraded, upgraded
    wait_for(machine, "shop", lambda: modules(machine) == ["disk"])
    assert status(machine, "shop")["version"] == packages.NEWER

    removed = play(machine, "[]", "[shop]", "new.deb")
    assert "failed=0" in removed, removed
    left = machine.run(
        "ls /etc/supervisor/shop.toml; systemctl is-active supervisor@shop", check=False
    )
    assert left.stdout == "inactive\n"
