"""Fuzzes the readers of bytes from outside: ``scripts/fuzz [--seconds 60] [--seed 1] [TARGET...]``.

With atheris the inputs are guided by coverage; without it they are changes of good ones. What is found is written to
``tests/fuzz/found/TARGET-HASH``, which the tests read from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType

FOUND = Path(__file__).with_name("found")
SLOW = 5.0
"""Seconds of the processor that one input may take."""


def find_atheris() -> ModuleType | None:
    """Return atheris, if it is installed."""
    try:
        import atheris  # type: ignore[import-not-found]
    except ImportError:
        return None
    found: ModuleType = atheris
    return found


def run(name: str, seconds: float, seed: int) -> tuple[int, int]:
    """Fuzz one target; return how many inputs it read, and how many of them it failed on."""
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
    return tried, len(failures)


def keep(name: str, data: bytes, why: str, known: set[str]) -> str:
    """Write an input that a reader failed on, one for each place; return the place."""
    if why not in known:
        path = FOUND / f"{name.replace(' ', '_')}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        sys.stdout.write(f"FOUND {name}: {why}: {path}\n")
    return why


def guide(name: str, seconds: float, seed: int, atheris: ModuleType) -> None:
    """Fuzz one target with atheris, which ends the process."""
    with atheris.instrument_imports(include=["portus_images", "portus_scanners", "portus_scanner", "portus_policy"]):
        from .targets import TARGETS
    target = TARGETS[name]
    corpus = Path(f"/tmp/portus-fuzz-corpus-{name.replace(' ', '_')}")
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(data)

    def read(data: bytes) -> None:
        with suppress(*target.errors):
            target.read(data)

    found = f"-artifact_prefix={FOUND}/{name.replace(' ', '_')}-"
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-max_total_time={seconds:.0f}", f"-seed={seed}", found, "-timeout=10"], read
    )
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets one after the other; 1 when a reader failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="one target, guided by coverage, with atheris")
    options = parser.parse_args()
    FOUND.mkdir(exist_ok=True)
    if options.guided:
        atheris = find_atheris()
        if atheris is None:
            sys.stderr.write("atheris is not installed: pip install atheris (Linux, Python up to its newest wheel)\n")
            return 2
        guide(options.targets[0], options.seconds, options.seed, atheris)
    from .targets import TARGETS

    total = 0
    for name in options.targets or TARGETS:
        tried, failed = run(name, options.seconds, options.seed)
        sys.stdout.write(f"fuzz: {name}: {tried} inputs in {options.seconds:.0f} s, {failed} failures\n")
        total += failed
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
