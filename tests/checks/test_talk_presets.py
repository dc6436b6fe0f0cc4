"""The presets of the `talk` check: each tells its server from another."""

from __future__ import annotations

import pytest

from checks._talk.presets import PRESETS
from checks._talk.server import TalkServer
from checks._talk.steps import MAX_STEPS
from supervisor.api import Condition, Duration
from tests.checks.talk_bench import answering, at, failures, look, saying, serving

FAKES = {
    "amqp": answering(bytes.fromhex("01 0000 000001f6 000a 000a 00 09 00")),
    "ftp": saying(b"220-hello\r\n220 ftp\r\n221 bye\r\n"),
    "imap": saying(b"* OK [CAPABILITY IMAP4rev1] ready\r\n* BYE\r\na OK done\r\n"),
    "memcached": answering(b"VERSION 1.6.18\r\n"),
    "mysql": saying(b"\x5b\0\0\0\x0a8.4.3\0"),
    "pop3": saying(b"+OK ready\r\n+OK bye\r\n"),
    "postgres": answering(b"N"),
    "redis": answering(b"-NOAUTH Authentication required.\r\n"),
    "smtp": saying(b"220-a\r\n220 b ESMTP\r\n221 2.0.0 Bye\r\n"),
    "ssh": saying(b"warning\r\nSSH-2.0-OpenSSH_9.2p1\r\n"),
}
"""What servers of each kind say, by the protocol."""

BLOCKED = b"\x45\0\0\0\xff\x6a\x04Host '127.0.0.1' is blocked"


@pytest.mark.parametrize("name", PRESETS)
async def test_a_preset_tells_its_server_from_another(name: str) -> None:
    async with serving(FAKES[name]) as port, serving(saying(BLOCKED)) as other:
        right = await look(at(port, preset=name))
        (wrong,) = await look(at(other, preset=name, timeout=Duration(0.3)))

    assert not failures(right)
    assert isinstance(wrong, Condition)
    assert wrong.detail.endswith("Host &#x27;127.0.0.1&#x27; is blocked</pre>")


def test_presets_are_talks_that_a_service_file_could_have() -> None:
    assert list(PRESETS) == sorted(PRESETS)
    for name, preset in PRESETS.items():
        assert TalkServer(name="s", host="a", preset=name).where == preset.port
        assert TalkServer(name="s", host="a", port=1, steps=preset.steps).talk == preset.steps
        assert len(preset.steps) <= MAX_STEPS


def test_a_preset_has_another_port_with_tls() -> None:
    assert TalkServer(name="s", host="a", preset="imap", transport="tls").where == 993
    with pytest.raises(ValueError, match="needs a port"):
        TalkServer(name="s", host="a", preset="ssh", transport="tls")
