"""A hundred faults in the files of a family, each with what must be said of it.

In the files of a case, `# HERE` stands at the line that must be told, and `# FIRST` at a line that
the message must name, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.config.layers.planted_variables import wrong_values, wrong_variables
from tests.config.layers.planting import (
    EVERY,
    EXTENDS,
    FAMILY_FILE,
    FRAGMENT_FILE,
    HOST_FILE,
    LAST_FILE,
    MORE_FILE,
    Planted,
    family,
    fragment,
    host,
    more,
)
from tests.support.layered_files import FAMILY, FRAGMENT, HOST

MODULE = "[[modules]]\nname = "

SAID_AGAIN = {
    "timezone": ('timezone = "Asia/Seoul"', 'timezone = "UTC"'),
    "labels.site": ('site = { var = "site" }', '[labels]\nsite = "b"'),
    "alertmanager.urls": ('urls = ["http://127.0.0.1:9093"]', "[alertmanager]\nurls = []"),
    "alertmanager.username": ('username = "kor"', '[alertmanager]\nusername = "kor"'),
    "alertmanager.password": (
        'password = { env = "KOR_PASSWORD" }',
        '[alertmanager]\npassword = { credential = "kor" }',
    ),
    "module 'disk': every": (EVERY, f'{MODULE}"disk"\nevery = "2m"'),
    "module 'disk': filesystems[0].max_use_percent": (
        '    { filesystem = "/", max_use_percent = 80 },',
        f'{MODULE}"disk"\n[[modules.params.filesystems]]\nfilesystem = "/"\nmax_use_percent = 70',
    ),
    "module 'session': max_total": (
        'max_total = { var = "max_sessions" }',
        f'{MODULE}"session"\n[modules.params]\nmax_total = 800',
    ),
    "module 'routing_table': routes[0].gateway": (
        'routes = [{ destination = "0.0.0.0/0", gateway = { var = "gateway" } }]',
        f'{MODULE}"routing_table"\n[[modules.params.routes]]\n'
        'destination = "0.0.0.0/0"\ngateway = "127.0.100.2"',
    ),
}
"""By the key: a line of the family, and what says the same again in another file."""


def said_again() -> Iterator[Planted]:
    for key, (first, second) in SAID_AGAIN.items():
        marked, second = family(first, f"{first} # FIRST"), f"{second} # HERE\n"
        said = f"{key}: is given twice, first in"
        own = host("\n[vars]", f"{second}\n[vars]") if key == "timezone" else {}
        own = own or {HOST_FILE: f"{HOST}{second}"}
        yield Planted(f"{key} in the host again", {**marked, **own}, said)
        yield Planted(f"{key} in a fragment again", {**marked, **more(second)}, said)
        if key in ("labels.site", "alertmanager.urls", "module 'disk': every"):
            fragments = {MORE_FILE: second.replace("HERE", "FIRST"), LAST_FILE: second}
            files = {**family(first, ""), **fragments}
            yield Planted(f"{key} in two fragments", files, said)


def wrong_marks() -> Iterator[Planted]:
    item = f'{MODULE}"disk"\n[[modules.params.filesystems]]\n'
    yield Planted(
        "what is not there is switched off",
        more(f'{item}filesystem = "tmpsf"\nenabled = false # HERE'),
        "module 'disk': filesystems[2].enabled: switches off what is not there; did you mean",
    )
    yield Planted(
        "a switch that is text",
        more(f'{item}filesystem = "tmpfs"\nenabled = "no" # HERE'),
        "module 'disk': filesystems[1].enabled: is not a known key",
    )
    yield Planted(
        "an override that is a number",
        more("[labels]\noverride = 1 # HERE"),
        "labels.override: is an integer, not text",
    )
    yield Planted(
        "a module that no other file has",
        more(f'{MODULE.replace("]]", "]] # HERE")}"dsik"\nenabled = false\nevery = 1'),
        "module 'dsik': check: is missing",
    )
    yield Planted(
        "extends in a fragment",
        more("# one\nextends = 'families/KorPnr.toml' # HERE"),
        "extends: stands in a fragment; write it in KorPnrProd1.toml or in a file that it",
    )


def wrong_in_other_files() -> Iterator[Planted]:
    yield from (
        Planted(
            "an unknown key in the family",
            family("[labels]", "[lables] # HERE\na = 1\n[labels]"),
            "lables: is not a known key",
        ),
        Planted(
            "a wrong type in the family",
            family('"session"\nevery = "1m"', '"session"\nevery = true # HERE'),
            "module 'session': every: is a boolean",
        ),
        Planted(
            "an unknown check in the family",
            family('check = "session"', 'check = "sesion" # HERE'),
            "module 'sesion': check: ",
        ),
        Planted(
            "a reserved label in the family",
            family("[labels]", '[labels]\ncheck = "a" # HERE'),
            "labels.check: is a label that the supervisor sets",
        ),
        Planted(
            "a wrong parameter in the family",
            family("max_use_percent = 80 },", "max_use_percent = 800 }, # HERE"),
            "module 'disk': filesystems[0].max_use_percent: 800 ",
        ),
        Planted("no TOML in the family", family("[labels]", "[labels # HERE"), ""),
        Planted(
            "an unknown key in a fragment",
            fragment(EVERY, f"evry = 1 # HERE\n{EVERY}"),
            "module 'mysql': evry: is not a known key",
        ),
        Planted(
            "no timetable in a fragment",
            {FRAGMENT_FILE: FRAGMENT.replace("]]", "]] # HERE", 1).replace(EVERY, "")},
            "module 'mysql': has neither every nor at",
        ),
        Planted(
            "a missing parameter in a fragment",
            fragment('units]]\nname = "mysql.service"', "units]] # HERE\nmax_restarts = 1"),
            "module 'mysql': units[0].name: is missing",
        ),
        Planted(
            "no TOML in a fragment",
            fragment('"systemd_unit"', "systemd_unit # HERE"),
            "is not TOML: has text without quotes",
        ),
        Planted(
            "a key twice in a fragment",
            fragment(EVERY, f'{EVERY}\nevery = "2m" # HERE'),
            "is not TOML: every is given twice",
        ),
    )  # fmt: skip


WRONG_PATHS = {
    **dict.fromkeys(
        ('"../x.toml"', '"/etc/hosts"', '"families/../../x.toml"', '"/"', '".."', '"."'),
        "leads out of ",
    ),
    "1": "is an integer, not text; write for example",
    '["families/KorPnr.toml"]': "is a list, not text; write for example",
    '""': "is not a path; write for example",
    r'"a\u0000b"': "is not a path; write for example",
    '"families/absent.toml"': "names families/absent.toml, which cannot be read: No such file",
    '"families"': "names families, which cannot be read: Is a directory",
    '"KorPnrProd1.toml"': "makes a circle, KorPnrProd1.toml -> KorPnrProd1.toml; remove one",
}
"""What a host may not extend, with what must be said."""


def wrong_paths() -> Iterator[Planted]:
    for value, said in WRONG_PATHS.items():
        extends = host(EXTENDS, f"extends = {value} # HERE")
        yield Planted(f"extends {value}", extends, f"extends: {said}")
    yield Planted(
        "a circle of two",
        {FAMILY_FILE: f'extends = "KorPnrProd1.toml" # HERE\n{FAMILY}'},
        "extends: makes a circle, KorPnrProd1.toml -> families/KorPnr.toml -> KorPnrProd1.toml; ",
    )
    yield Planted(
        "a circle of two families",
        {FAMILY_FILE: 'extends = "families/b.toml"', "families/b.toml": f"{EXTENDS} # HERE"},
        "extends: makes a circle, families/KorPnr.toml -> families/b.toml -> families/KorPnr.toml",
    )
    yield Planted(
        "a circle with another spelling",
        {FAMILY_FILE: 'extends = "families/../KorPnrProd1.toml" # HERE'},
        "extends: makes a circle, ",
    )


PLANTED = [
    *wrong_values(),
    *wrong_variables(),
    *said_again(),
    *wrong_marks(),
    *wrong_in_other_files(),
    *wrong_paths(),
]
"""All of them."""
