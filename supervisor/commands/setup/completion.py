"""The command `completion`: print the completion of a shell, made from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

from supervisor.commands.setup.command_line import PROGRAM, Argument, Command, commands
from supervisor.commands.setup.words import KINDS, words
from supervisor.errors import UsageError

EXAMPLES = (
    ("completion bash", "print the script of a shell"),
    ("completion --words modules --service Shop", "print the words that it asks for"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "shell", metavar="SHELL", nargs="?", choices=tuple(SCRIPTS), help="bash, zsh or fish"
    )
    parser.add_argument(
        "--words", choices=tuple(KINDS), help="print words that exist here; the scripts use it"
    )


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell, or words, one a line."""
    if options.words:
        found = words(options.words, options.service, options.config_dir)
        print(*found, sep="\n", end="\n" if found else "")
    elif options.shell:
        print(SCRIPTS[options.shell](commands(options.all_parsers())), end="")
    else:
        raise UsageError(f"which shell? write {', '.join(SCRIPTS)}")
    return 0


def bash(known: Sequence[Command]) -> str:
    """Return the script for bash."""
    cases = "\n".join(_bash_case(command) for command in known)
    valued = "|".join(sorted({flag for argument in _valued(known) for flag in argument.flags}))
    return f"""\
# bash completion of {PROGRAM}. Made by: {PROGRAM} completion bash
_alertmanager_supervisor_words() {{
    local i args=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
            --service | --config-dir) args+=("${{COMP_WORDS[i]}}" "${{COMP_WORDS[++i]}}") ;;
        esac
    done
    {PROGRAM} completion --words "$1" "${{args[@]}}" 2>/dev/null
}}

_alertmanager_supervisor() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command="" i
    local flags="" words=""
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
            {valued}) ((i++)) ;;
            -*) ;;
            *) command=${{COMP_WORDS[i]}}; break ;;
        esac
    done
    case "$command $prev" in
{_bash_values(known)}
    esac
    case $command in
        "") flags="--help --version" words="{" ".join(command.name for command in known)}" ;;
{cases}
    esac
    if [[ $cur == -* ]]; then words=$flags; fi
    local IFS=$' \\n'
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -F _alertmanager_supervisor {PROGRAM}
"""


def _bash_case(command: Command) -> str:
    flags = " ".join(flag for argument in command.arguments for flag in argument.flags)
    places = [argument for argument in command.arguments if not argument.flags]
    given = "".join(_bash_words(argument) for argument in places)
    # An assignment does not split its value into words.
    return f'        {command.name}) flags="--help {flags}" words="{given}" ;;'


def _bash_words(argument: Argument) -> str:
    if argument.words:
        return f"$(_alertmanager_supervisor_words {argument.words})"
    return " ".join(argument.choices)


def _bash_values(known: Sequence[Command]) -> str:
    """Return the cases of `"$command $prev"`: a flag may take other values in another command."""
    answers: dict[str, dict[str, list[str]]] = {}
    for command in known:
        for argument in _valued([command]):
            for flag in argument.flags:
                takers = answers.setdefault(flag, {}).setdefault(_bash_answer(argument), [])
                takers.append(command.name)
    lines = []
    for flag, found in answers.items():
        for answer, takers in found.items():
            names = ["*"] if len(found) == 1 else takers
            cases = " | ".join(f"{name}\\ {flag}" for name in names)
            lines.append(f"        {cases}) {answer}; return ;;")
    return "\n".join(lines)


def _bash_answer(argument: Argument) -> str:
    if argument.takes_files:
        how = "-d" if argument.value == "DIR" else "-f"
        return f'COMPREPLY=($(compgen {how} -- "$cur"))'
    return f'COMPREPLY=($(compgen -W "{_bash_words(argument)}" -- "$cur"))'


def zsh(known: Sequence[Command]) -> str:
    """Return the script for zsh: a function for its directory of functions."""
    described = "\n".join(f"        {_zsh_text(f'{each.name}:{each.help}')}" for each in known)
    cases = "\n".join(
        f"        {command.name}) _arguments {' '.join(map(_zsh_argument, command.arguments))} ;;"
        for command in known
    )
    return f"""\
#compdef {PROGRAM}
# zsh completion. Made by: {PROGRAM} completion zsh
_alertmanager_supervisor_words() {{
    local -a args found
    local i
    for ((i = 1; i < CURRENT; i++)); do
        case $words[i] in
            --service | --config-dir) args+=("$words[i]" "$words[i+1]") ;;
        esac
    done
    found=(${{(f)"$({PROGRAM} completion --words $1 "${{args[@]}}" 2>/dev/null)"}})
    compadd -a found
}}

_alertmanager_supervisor() {{
    local -a commands
    commands=(
{described}
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
{cases}
    esac
}}
_alertmanager_supervisor "$@"
"""


def _zsh_argument(argument: Argument) -> str:
    """Return a specification for `_arguments`, in quotes."""
    value = ""
    if argument.value:
        action = " "
        if argument.words:
            action = f" _alertmanager_supervisor_words {argument.words}"
        elif argument.choices:
            action = f"({' '.join(argument.choices)})"
        elif argument.takes_files:
            action = "_files -/" if argument.value == "DIR" else "_files"
        value = f":{argument.value.replace(':', ' ')}:{action}"
    if not argument.flags:
        return _zsh_text(f"{'*' if argument.repeats else ''}{value}")
    text = argument.help.replace("[", "(").replace("]", ")").replace(":", " ")
    return " ".join(_zsh_text(f"{flag}[{text}]{value}") for flag in argument.flags)


def _zsh_text(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(known: Sequence[Command]) -> str:
    """Return the script for fish."""
    names = " ".join(command.name for command in known)
    lines = [
        f"# fish completion of {PROGRAM}. Made by: {PROGRAM} completion fish",
        "function __alertmanager_supervisor_words",
        "    set -l tokens (commandline -opc)",
        "    set -l args",
        "    for i in (seq 2 (math (count $tokens) - 1))",
        "        if contains -- $tokens[$i] --service --config-dir",
        "            set -a args $tokens[$i] $tokens[(math $i + 1)]",
        "        end",
        "    end",
        f"    {PROGRAM} completion --words $argv[1] $args 2>/dev/null",
        "end",
        f"complete -c {PROGRAM} -f",
    ]
    nothing = f"not __fish_seen_subcommand_from {names}"
    for command in known:
        lines.append(
            f"complete -c {PROGRAM} -n {_fish_text(nothing)} -a {command.name} "
            f"-d {_fish_text(command.help)}"
        )
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines += [
            f"complete -c {PROGRAM} -n {_fish_text(seen)}{_fish_argument(argument)}"
            for argument in command.arguments
        ]
    return "\n".join(lines) + "\n"


def _fish_argument(argument: Argument) -> str:
    text = "".join(f" -l {flag.removeprefix('--')}" for flag in argument.flags)
    if argument.flags and argument.value:
        text += " -r -F" if argument.takes_files else " -x"
    if argument.words:
        text += f" -a '(__alertmanager_supervisor_words {argument.words})'"
    elif argument.choices:
        text += f" -a {_fish_text(' '.join(argument.choices))}"
    return f"{text} -d {_fish_text(argument.help)}" if argument.flags else text


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _valued(known: Iterable[Command]) -> list[Argument]:
    """Return the flags of all commands that take a value."""
    return [
        argument
        for command in known
        for argument in command.arguments
        if argument.flags and argument.value
    ]


SCRIPTS: Mapping[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Each shell, and what makes its script."""
