"""Talks with servers that many hosts have. They are data: who needs more writes steps."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from checks._talk.steps import Step


@frozen
class Preset:
    """The talk with one kind of server."""

    port: int
    """Its usual TCP port."""

    steps: tuple[Step, ...]
    tls_port: int | None = None
    """Its usual port where TLS begins at once. None: there is none."""


PRESETS: Mapping[str, Preset] = {
    # The second bytes are the number of the protocol's class and method: Connection.Start.
    "amqp": Preset(
        5672,
        (Step(send_hex="414d5150 00000901", expect=r"\A\x01\x00\x00\C{4}\x00\x0a\x00\x0a"),),
        tls_port=5671,
    ),
    "ftp": Preset(21, (Step(expect="^220 "), Step(send="QUIT\r\n", expect="^221")), tls_port=990),
    "imap": Preset(
        143,
        (Step(expect=r"^\* (OK|PREAUTH)"), Step(send="a LOGOUT\r\n", expect="^a OK")),
        tls_port=993,
    ),
    "memcached": Preset(
        11211, (Step(send="version\r\n", expect="^VERSION "), Step(send="quit\r\n"))
    ),
    # A packet with the number 0, whose first byte is the version of the protocol.
    "mysql": Preset(3306, (Step(expect=r"\A\C{3}\x00\x0a"),)),
    "pop3": Preset(
        110, (Step(expect=r"^\+OK"), Step(send="QUIT\r\n", expect=r"^\+OK")), tls_port=995
    ),
    # Asks for encryption by GSSAPI, which takes no login and leaves no line in the server's log.
    "postgres": Preset(5432, (Step(send_hex="00000008 04d21630", expect=r"\A[GN]"),)),
    # A server that wants a password first is well, too.
    "redis": Preset(6379, (Step(send="PING\r\n", expect=r"^(\+PONG|-NOAUTH)"),)),
    "smtp": Preset(25, (Step(expect="^220 "), Step(send="QUIT\r\n", expect="^221")), tls_port=465),
    # Without a version of ours sshd would write an error into its log.
    "ssh": Preset(22, (Step(expect=r"^SSH-(2\.0|1\.99)-"), Step(send="SSH-2.0-supervisor\r\n"))),
}
"""By their names in a service file."""
