"""Which entries of a service file cannot be meant, in the check `interface`."""

from __future__ import annotations

import pytest

from checks._devices.watched import WatchedInterface


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "'' is not the name of an interface; write for example 'eth0'"),
        ("a/b", "'a/b' is not the name of an interface; write for example 'eth0'"),
        ("..", "'..' is not the name of an interface; write for example 'eth0'"),
        ("a b", "'a b' is not the name of an interface; write for example 'eth0'"),
        ("sixteen-letters-", "'sixteen-letters-' is not the name of an interface"),
        ("ääääääää", "'ääääääää' is not the name of an interface"),
        ("eth0:1", "'eth0:1' is the label of an address; write 'eth0'"),
    ],
)
def test_what_cannot_be_an_interface_is_refused(name: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.replace(".", r"\.")):
        WatchedInterface(name)


def test_exceptions_are_for_the_star_alone() -> None:
    with pytest.raises(ValueError, match='is only for name = "\\*"; remove it'):
        WatchedInterface("eth0", except_=("veth*",))
