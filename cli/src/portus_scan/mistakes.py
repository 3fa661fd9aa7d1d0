"""What a user probably meant who wrote a sub-command, an option or a variable that there is not, in a few words.

Words that other scanners use for the same are known here. Imported where something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches

from .terminal import PROGRAM

_MEANT = {
    "scan": "image",
    "analyze": "image",
    "analyse": "image",
    "images": "image",
    "repo": "registry",
    "compare": "diff",
    "report": "convert",
    "show": "explain",
    "plugins": "scanners",
    "list": "scanners",
    "check": "doctor",
    "config": "doctor",
    "import": "policy import",
    "man": "help",
    "ignore": "policy import",
    "version": "--version",
}
"""What sub-commands are called elsewhere."""
_OPTIONS = {
    "--json": "write -o json (of other sub-commands: --format json)",
    "--format": "write --json",
    "--severity": "--min-severity HIGH leaves out what is lower, --fail-on HIGH lets it fail",
    "--exit-code": "--fail-on SEVERITY makes the exit code 1",
    "--ignore-unfixed": "--only-fixable counts only what has a fix",
    "--only-fixed": "--only-fixable counts only what has a fix",
    "--ignorefile": "--suppressions FILE; 'policy import' makes one of another program's",
    "--vex": "--suppressions FILE takes OpenVEX documents as well",
    "--clair": "set security: clair: server: URL in a file given with --config",
    "--threshold": "--fail-on critical=0,high=5 sets how many are allowed",
    "--whitelist": "--suppressions FILE; 'policy import' makes one of another program's",
    "--debug": "-v shows the log",
    "--log": "-v shows the log",
    "--log-level": "-v shows the log",
    "--output-format": "write -o FORMAT or -o FORMAT=FILE",
    "--out": "write -o FORMAT=FILE",
    "--template": "--help lists the formats of -o; a format of your own is a plugin",
    "--server": "set security: SCANNER: server: URL in a file given with --config",
    "--insecure": "set registries: HOST: insecure: true in a file given with --config",
    "--username": "set registries: HOST: username in a file given with --config, or use docker login",
    "--password": "set registries: HOST: password_file in a file given with --config, or use docker login",
    "--quiet": "stderr is quiet unless it is a terminal",
    "-q": "stderr is quiet unless it is a terminal",
    "-c": "write --config FILE",
    "-f": "write -o FORMAT or -o FORMAT=FILE",
    "--concurrency": "set security: SCANNER: concurrency in a file given with --config",
}
"""What is written here for options of others."""
_OUTPUT = {"-o", "--output"}
_RESULTS = f"; write --results FILE: {PROGRAM} convert FILE makes every format of it"
_FORMAT = "; write --format json: the answer is on stdout"
_FIRST = "PORTUS_"
_SECURITY = "SECURITY"
_LIKE = 0.75
_VARIABLE = r"(?a)PORTUS_([A-Z0-9]+)_(\w+)"


def meant_command(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` for a sub-command that there is not; empty where nobody can tell."""
    meant = _MEANT.get(word.lower()) or next(iter(get_close_matches(word.lower(), known, 1)), "")
    if not meant and re.search(r"[a-z0-9][:/@.][a-z0-9]", word, re.IGNORECASE):
        meant = f"image {word}"
    return f"; did you mean {PROGRAM} {meant}?" if meant else ""


def meant_option(name: str, known: Collection[str]) -> str:
    """Return what to write instead of an option that there is not; empty where nobody can tell."""
    if name in _OUTPUT:
        found = next((option for option in ("--results", "--format") if option in known), "")
        return {"--results": _RESULTS, "--format": _FORMAT}.get(found, "; write -o FORMAT or -o FORMAT=FILE")
    if name in _OPTIONS:
        return f"; {_OPTIONS[name]}"
    near = get_close_matches(name, known, 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def meant_choice(message: str, choices: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` for the value that click's message says is not one of the choices."""
    match = re.search(r"'([^']*)' is not one of", message)
    near = get_close_matches(match[1].lower(), choices, 1) if match else []
    return f"; did you mean {near[0]}?" if near else ""


def misspelt_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each environment variable that looks like one of ours, and is none."""
    for name in sorted(environ):
        if name.startswith(f"{_FIRST}{_SECURITY}_") or not name.upper().startswith(_FIRST):
            continue
        if name.upper().startswith(f"{_FIRST}{_SECURITY}_"):
            yield f"{name} is ignored: did you mean {name.upper()}?"
        elif (match := re.fullmatch(_VARIABLE, name)) and _is_slip(match[1], match[2]):
            rest = match[2] if _is_like(match[1]) else f"{match[1]}_{match[2]}"
            yield f"{name} is ignored: did you mean {_FIRST}{_SECURITY}_{rest}?"


def _is_slip(first: str, rest: str) -> bool:
    return _is_like(first) or rest == "SERVER"


def _is_like(word: str) -> bool:
    return SequenceMatcher(None, word, _SECURITY).ratio() >= _LIKE
