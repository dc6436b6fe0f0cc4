"""A hundred faults in the files of a family, each with what must be said of it.

In the files of a case, `# HERE` stands at the line that must be told, and `# FIRST` at a line that
the message must name, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from tests.support.layered_files import FAMILY, FILES, FRAGMENT, HOST

HOST_FILE, FAMILY_FILE, FRAGMENT_FILE = FILES
MORE_FILE = "KorPnrProd1.d/60-more.toml"
LAST_FILE = "KorPnrProd1.d/70-last.toml"

EXTENDS = 'extends = "families/KorPnr.toml"'
SITE = 'site = "prod1"'
EVERY = 'every = "1m"'


@frozen
class Planted:
    """A fault, and what must be said of it."""

    name: str
    files: Mapping[str, str]
    """What differs from `FILES`."""

    said: str
    """What the problem has after file and line. Its key comes first."""


def changed(text: str, old: str, new: str) -> str:
    """Return a text with another first occurrence of a part of it."""
    assert old in text
    return text.replace(old, new, 1)


def host(old: str, new: str) -> dict[str, str]:
    return {HOST_FILE: changed(HOST, old, new)}


def family(old: str, new: str) -> dict[str, str]:
    return {FAMILY_FILE: changed(FAMILY, old, new)}


def fragment(old: str, new: str) -> dict[str, str]:
    return {FRAGMENT_FILE: changed(FRAGMENT, old, new)}


def more(text: str) -> dict[str, str]:
    return {MORE_FILE: text}


def variable(line: str) -> dict[str, str]:
    """Return the family with one more line of variables."""
    return family("[labels]", f"{line}\n[labels]")


WRONG_VALUES = {
    "text": ["5", "true", '["a"]'],
    "integer": ['"5"', "5.5", "true"],
    "number": ['"0.5"', "false", "nan"],
    "boolean": ['"yes"', "1"],
    "duration": ['"5 minutes"', "-1", "true"],
    "size": ['"5 elephants"', "-1", "0.5"],
    "address": ['"localhost"', '"127.0.0.256"', "127"],
    "path": ['""', "7"],
    "secret": ['"hunter2"', '{ env = "A", file = "b" }', '{ env = "A=B" }'],
    "list of text": ['"a"', "[1]"],
    "list of integers": ["1", '["1"]'],
    "list of addresses": ['"127.0.0.1"', '["127.0.0.1", "gateway"]'],
}
"""For each type of a variable, some values that are not of it."""


def wrong_values() -> Iterator[Planted]:
    for kind, values in WRONG_VALUES.items():
        declared = variable(f'x = {{ type = "{kind}" }}')
        for number, value in enumerate(values):
            files = {**declared, HOST_FILE: f"{HOST}x = {value} # HERE\n"}
            yield Planted(f"{kind}: wrong value {number}", files, "vars.x")
        default = variable(f'x = {{ type = "{kind}", default = {values[0]} }} # HERE')
        yield Planted(f"{kind}: wrong default", default, "vars.x.default")
        files = {
            **variable(f'x = {{ type = "{kind}" }} # FIRST'),
            **host("[vars]", "[vars] # HERE"),
        }
        said = "vars.x: is missing: it has no default in"
        yield Planted(f"{kind}: missing", files, said)


WRONG_DECLARATIONS = {
    '{ type = "adress" }': "vars.x.type: 'adress' is not a type of a variable; did you mean",
    "{ default = 1 }": "vars.x.type: is missing; write for example",
    '{ type = "text", defualt = "a" }': "vars.x.defualt: is not a known key; did you mean",
    "{ type = 1 }": "vars.x.type: is an integer, not text",
    "{}": "vars.x.type: is missing",
    '"a"': "vars.x: is not declared, so it has no type; declared are",
}
"""Of a variable in the family, with what must be said."""


def wrong_variables() -> Iterator[Planted]:
    for text, said in WRONG_DECLARATIONS.items():
        yield Planted(f"declared as {text}", variable(f"x = {text} # HERE"), said)
    yield Planted("vars is a list", more("vars = [1] # HERE"), "vars: is a list, not a table")
    yield Planted(
        "a value with a slip in its name",
        host(SITE, f'{SITE}\nsiet = "a" # HERE'),
        "vars.siet: is not declared, so it has no type; did you mean 'site'?",
    )
    yield Planted(
        "a variable that no file declares",
        more('[labels]\nteam = { var = "taem" } # HERE'),
        "labels.team: names the variable 'taem', which is not declared; declared are",
    )
    label = '[labels]\nteam = { var = "team" } # HERE'
    yield Planted(
        "a variable where there is none",
        {HOST_FILE: f'service = "X"\n{EXTENDS}\n{label}', FAMILY_FILE: ""},
        "labels.team: names the variable 'team', which is not declared; declare it under [vars]",
    )
    twice = "is given twice, first in"
    first, second = 'x = { type = "text", default = "" } # FIRST', 'x = { type = "text" } # HERE'
    declared = {**variable(first), **more(f"[vars]\n{second}")}
    yield Planted("declared twice", declared, f"vars.x: {twice}")
    given = {**host(SITE, f"{SITE} # FIRST"), **more('[vars]\nsite = "prod2" # HERE')}
    yield Planted("a value twice", given, f"vars.site: {twice}")
    yield Planted(
        "missing in a host without variables",
        {
            HOST_FILE: f'service = "X" # HERE\n{EXTENDS}',
            FAMILY_FILE: '[vars]\nx = { type = "text" }',
        },
        "vars.x: is missing: it has no default in families/KorPnr.toml:2; write under [vars]",
    )
    yield Planted(
        "a value that does not fit its key",
        {
            **family('{ var = "max_sessions" }', '{ var = "site" } # HERE'),
            **host(SITE, f"{SITE} # FIRST"),
        },
        "module 'session': max_total: is text, not an integer (the variable is given in",
    )


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
