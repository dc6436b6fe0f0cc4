"""The status page behind a real nginx, with the files that docs/how-to/behind-nginx.md shows."""

from __future__ import annotations

import getpass
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from attrs import frozen

from tests.e2e.servers import ROOT, SupervisorProcess, wait_for
from tests.support.ports import free_port

PAGE = (ROOT / "docs" / "how-to" / "behind-nginx.md").read_text(encoding="utf-8")
HOST = "status.example.invalid"
LOGIN = ("night", "not-a-real-one")
NAMED = {"sni_hostname": HOST}
"""What TLS asks for, at an address of loopback."""

AROUND = """
user {user};
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {server}
}}
"""
"""What Debian's nginx.conf has around the files of conf.d, as far as it matters."""

MODULE = """
service = "TEST"
{status}
[[modules]]
check = "command"
name = "flag"
every = 0.1
[modules.params]
protocol = "text"
argv = ["test", "!", "-e", "{flag}"]
"""


@frozen
class Site:
    """nginx, and a supervisor behind it."""

    client: httpx.Client
    url: str
    flag: Path

    def get(
        self, path: str, *, host: str = HOST, auth: tuple[str, str] | None = LOGIN
    ) -> httpx.Response:
        """Ask as a browser does that knows the name of the host."""
        headers = {"Host": host}
        return self.client.get(self.url + path, auth=auth, headers=headers, extensions=NAMED)


def block(language: str, number: int = 0) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    text: str = found[number]
    return text


def nginx_configuration(directory: Path, port: int, behind: int) -> str:
    server = block("nginx")
    for shown, ours in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/ssl/certs/status.pem", f"{directory}/status.pem"),
        ("/etc/ssl/private/status.key", f"{directory}/status.key"),
        ("/etc/nginx/status.htpasswd", f"{directory}/htpasswd"),
        ("127.0.0.1:9477", f"127.0.0.1:{behind}"),
    ):
        assert shown in server
        server = server.replace(shown, ours)
    return AROUND.format(user=getpass.getuser(), directory=directory, server=server)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("nginx")
    port, behind = free_port(), free_port()
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    issued.private_key_pem.write_to_path(directory / "status.key")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(directory / "status.pem", append=True)
    name, password = LOGIN
    hashed = subprocess.check_output(["openssl", "passwd", "-apr1", password], text=True)
    (directory / "htpasswd").write_text(f"{name}:{hashed}", encoding="utf-8")
    configuration = directory / "nginx.conf"
    configuration.write_text(nginx_configuration(directory, port, behind), encoding="utf-8")
    status = block("toml").replace("127.0.0.1:9477", f"127.0.0.1:{behind}")
    supervisor = SupervisorProcess(directory)
    flag = directory / "flag"
    supervisor.config.write_text(MODULE.format(status=status, flag=flag), encoding="utf-8")
    supervisor.start()
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", configuration, "-g", "daemon off;"])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
        made = Site(client, f"https://127.0.0.1:{port}", flag)
        wait_for(lambda: _answers(made), 20, "nginx does not start")
        yield made
    nginx.terminate()
    nginx.wait()
    supervisor.kill()


def _answers(site: Site) -> bool:
    try:
        return site.get("/shop1/-/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("path", ["", "modules/flag", "metrics", "api/status", "-/healthy"])
def test_each_page_is_there_below_the_path(site: Site, path: str) -> None:
    assert site.get(f"/shop1/{path}").status_code == 200


def test_the_links_of_the_page_stay_below_the_path(site: Site) -> None:
    links = re.findall(r'(?:href|src|data-events)="([^"]*)"', site.get("/shop1/").text)

    assert "modules/flag" in links
    assert [link for link in links if link.startswith("/")] == []


def test_who_has_no_password_is_refused(site: Site) -> None:
    assert site.get("/shop1/", auth=None).status_code == 401


def test_another_name_is_refused_by_the_page(site: Site) -> None:
    answer = site.get("/shop1/", host="other.example.invalid")

    assert answer.status_code == 403
    assert "this Host is not served here" in answer.text
    assert "this Host is not served here" in PAGE


def test_a_change_comes_at_once(site: Site) -> None:
    """nginx keeps nothing back until its buffer is full."""
    with site.client.stream(
        "GET",
        f"{site.url}/shop1/api/events",
        auth=LOGIN,
        headers={"Host": HOST},
        extensions=NAMED,
    ) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        site.flag.touch()
        titles = (
            json.loads(line[6:]).get("title", "") for line in lines if line.startswith("data: ")
        )

        assert next(title for title in titles if "1 alert firing" in title)
