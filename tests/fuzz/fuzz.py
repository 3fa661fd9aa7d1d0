"""Fuzzes the readers of bytes from outside: ``scripts/fuzz [--seconds 60] [--seed 1] [TARGET...]``.

With atheris the inputs are guided by the branches that they take; without it they are changes of good ones. What is
found is written to ``tests/fuzz/found/TARGET-...``, which the tests read from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from attrs import frozen

FOUND = Path(__file__).with_name("found")
OURS = [
    *("portus_images", "portus_scanners", "portus_policy", "portus_scan", "portus_scanner_clair", "portus_scanner_osv"),
    *("portus_scanner_report_file", "portus_scanner_trivy", "portus_scanner_zypper_docker", "portus_scanner_grype"),
    *("portus_scanner_clair_v4", "portus_scan_server"),
]
"""What atheris follows: the packages of the readers."""
CORPORA = Path(__file__).parents[2] / ".venv" / "fuzz"
"""What atheris has gathered, a folder for each target; a later run begins with it."""
SLOW = 20.0
"""Seconds of the processor that one input may take; 2,000 brackets cost PyYAML five, more of them no more."""
HANGS = 60
"""Seconds after which atheris ends with one input."""


def find_atheris() -> ModuleType | None:
    """Return atheris, if it is installed."""
    try:
        import atheris  # type: ignore[import-not-found]
    except ImportError:
        return None
    found: ModuleType = atheris
    return found


@frozen
class Fuzzed:
    """What became of one target.

    Attributes:
        tried: How many inputs it read.
        failed: How many places it failed at; guided, it ends with the first.
        edges: How many edges of our code the first inputs took, and how many all; None if nobody has counted.
    """

    tried: int
    failed: int
    edges: tuple[int, int] | None = None


def run(name: str, seconds: float, seed: int) -> Fuzzed:
    """Fuzz one target by changes of good inputs."""
    from .mutations import mutate
    from .targets import TARGETS

    target, rng = TARGETS[name], random.Random(seed)  # noqa: S311 (inputs)
    corpus, failures, tried = list(target.seeds), set(), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tried += 1
        data = mutate(rng.choice(corpus), rng)
        begin = time.process_time()
        try:
            target.read(data)
        except target.errors:
            if len(corpus) < 200 and rng.random() < 0.001:
                corpus.append(data)
        except BaseException as error:  # noqa: BLE001 (whatever a reader raises is what is looked for)
            place = traceback.extract_tb(error.__traceback__)[-1]
            failures.add(keep(name, data, f"{type(error).__name__} {place.filename}:{place.lineno}", failures))
        if time.process_time() - begin > SLOW:
            failures.add(keep(name, data, "slow", failures))
    return Fuzzed(tried, len(failures))


def keep(name: str, data: bytes, why: str, known: set[str]) -> str:
    """Write an input that a reader failed on, one for each place; return the place."""
    if why not in known:
        path = FOUND / f"{name.replace(' ', '_')}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        sys.stdout.write(f"FOUND {name}: {why}: {path}\n")
    return why


def guide(name: str, seconds: float, seed: int, atheris: ModuleType) -> None:
    """Fuzz one target with atheris, which ends the process: half of the inputs are changed in their structure."""
    with atheris.instrument_imports(include=OURS):
        from .mutations import mutate
        from .targets import TARGETS
    target = TARGETS[name]
    corpus = CORPORA / name.replace(" ", "_")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(data)

    def read(data: bytes) -> None:
        begin = time.process_time()
        with suppress(*target.errors):
            target.read(data)
        assert time.process_time() - begin < SLOW, "slow"

    def change(data: bytes, most: int, chance: int) -> bytes:
        changed: bytes = mutate(data, random.Random(chance)) if chance % 2 else atheris.Mutate(data, most)  # noqa: S311
        return changed[:most]

    limits = [f"-max_total_time={seconds:.0f}", f"-seed={seed}", f"-timeout={HANGS}", f"-report_slow_units={HANGS}"]
    limits += [
        "-rss_limit_mb=4096",
        "-max_len=65536",
        "-len_control=0",
        "-verbosity=1",
        f"-artifact_prefix={FOUND}/{corpus.name}-",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *limits, "-print_final_stats=1"], read, custom_mutator=change)
    atheris.Fuzz()


def guide_apart(name: str, seconds: float, seed: int) -> Fuzzed:
    """Fuzz one target with atheris in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--alone", "--seconds", str(seconds), "--seed", str(seed), name]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    told = ended.stdout.decode(errors="replace")
    if ended.returncode:
        sys.stdout.write(told[-3000:])
    tried = re.search(r"stat::number_of_executed_units: *(\d+)", told)
    edges = [int(one) for one in re.findall(r"\bcov: (\d+)", told)]
    return Fuzzed(int(tried[1]) if tried else 0, int(ended.returncode != 0), (edges[0], edges[-1]) if edges else None)


def main() -> int:
    """Fuzz the targets one after the other; 1 when a reader failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="changes of good inputs, though atheris is installed")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)  # this process is for one target
    options = parser.parse_args()
    FOUND.mkdir(exist_ok=True)
    atheris = None if options.plain else find_atheris()
    if options.alone and atheris is not None:
        guide(options.targets[0], options.seconds, options.seed, atheris)
    from .targets import TARGETS

    total = 0
    for name in options.targets or TARGETS:
        fuzz = run if atheris is None else guide_apart
        done = fuzz(name, options.seconds, options.seed)
        how = "changed" if done.edges is None else f"guided, edges {done.edges[0]} -> {done.edges[1]}"
        said = f"{done.tried} inputs in {options.seconds:.0f} s, {how}, {done.failed} failures"
        sys.stdout.write(f"fuzz: {name}: {said}\n")
        sys.stdout.flush()
        total += done.failed
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
