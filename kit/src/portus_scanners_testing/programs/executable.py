# The source of the executables that `ScriptedProgram` makes; an executable reads what to do from its own folder.
# A contract starts it hundreds of times, and starting takes most of its time: it runs with -IS, imports only what the
# interpreter has built in, and gets marshal's format, which has bytes and needs no parser of its own (json: 15 ms).
from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

FOLDER = os.path.dirname(os.path.abspath(sys.argv[0]))
HOLD = 4.0
LIFE = 60


def main() -> int:
    log_call()
    with open(os.path.join(FOLDER, "behaviour"), "rb") as file:
        behaviour = marshal.load(file)  # noqa: S302 (written by `ScriptedProgram`)
    fault = behaviour["fault"]
    if fault and not fault["after_output"]:
        show(fault)
    outputs = [one for one in behaviour["outputs"] if any(fits(argument, one["argument"]) for argument in sys.argv[1:])]
    if not outputs:
        sys.stderr.write("usage: the arguments mean nothing to this program\n")
        return 64
    status = produce(outputs[0])
    if fault:
        show(fault)
    return status


def log_call() -> None:
    call = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "process": os.getpid(),
    }
    with open(os.path.join(FOLDER, "calls"), "ab", buffering=0) as file:  # at once: others may be writing theirs
        file.write(marshal.dumps(call))


def fits(argument: str, pattern: str) -> bool:
    if "*" not in pattern:
        return argument == pattern
    import fnmatch

    return fnmatch.fnmatchcase(argument, pattern)


def produce(output: dict[str, Any]) -> int:
    sys.stderr.buffer.write(output["stderr"])
    sys.stderr.flush()
    for name, content in output["files"].items():
        with open(name, "wb") as file:
            file.write(content)
    sys.stdout.buffer.write(output["stdout"])
    sys.stdout.flush()
    return int(output["status"])


def show(fault: dict[str, Any]) -> None:
    sys.stderr.buffer.write(fault["stderr"])
    sys.stderr.flush()
    if fault["stubborn"]:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if fault["child"] and os.fork() == 0:
        hang()
    if fault["echo"]:
        sys.stderr.write(" ".join(sys.argv) + "\n" + "".join(f"{key}={os.environ[key]}\n" for key in os.environ))
        sys.exit(1)
    if fault["pulls_from"]:
        pull_first(fault["pulls_from"])
    if fault["endless"]:
        write_much(fault["endless"])
    if fault["held"]:
        wait_for_release()
    if fault["hang"]:
        hang()
    if fault["signal"] is not None:
        os.kill(os.getpid(), fault["signal"])
    if fault["status"] is not None:
        sys.exit(fault["status"])


def pull_first(host: str) -> None:
    import runpy  # it, and what the file imports, take longer than everything else here

    if reason := runpy.run_path(os.path.join(FOLDER, "pulling.py"))["pull_all"](host):
        sys.stderr.write(reason + "\n")
        sys.exit(1)


def hang() -> NoReturn:
    import signal

    signal.alarm(LIFE)  # a scanner that leaves it behind does not leave it for good
    while True:
        signal.pause()


def write_much(size: int) -> None:
    piece = b" " * 65536
    for _ in range(size // len(piece)):
        sys.stdout.buffer.write(piece)


def wait_for_release() -> None:
    import time

    end = time.monotonic() + HOLD
    while not os.path.exists(os.path.join(FOLDER, "release")) and time.monotonic() < end:
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
