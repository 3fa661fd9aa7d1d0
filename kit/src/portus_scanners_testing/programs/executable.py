# The source of the executables that `ScriptedProgram` makes; an executable reads what to do from its own folder.
# It runs with -IS, so only with the standard library: starting the interpreter takes most of its time.
from __future__ import annotations

import base64
import fnmatch
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

FOLDER = os.path.dirname(os.path.abspath(sys.argv[0]))
HOLD = 4.0
LIFE = 60


def main() -> int:
    log_call()
    with open(os.path.join(FOLDER, "behaviour"), encoding="utf-8") as file:
        behaviour = json.load(file)
    fault = behaviour["fault"]
    if fault and not fault["after_output"]:
        show(fault)
    outputs = [one for one in behaviour["outputs"] if fnmatch.filter(sys.argv[1:], one["argument"])]
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
    with open(os.path.join(FOLDER, "calls"), "a", encoding="utf-8") as file:
        file.write(json.dumps(call) + "\n")


def produce(output: dict[str, Any]) -> int:
    sys.stderr.buffer.write(base64.b64decode(output["stderr"]))
    sys.stderr.flush()
    for name, content in output["files"].items():
        with open(name, "wb") as file:
            file.write(base64.b64decode(content))
    sys.stdout.buffer.write(base64.b64decode(output["stdout"]))
    sys.stdout.flush()
    return int(output["status"])


def show(fault: dict[str, Any]) -> None:
    sys.stderr.buffer.write(base64.b64decode(fault["stderr"]))
    sys.stderr.flush()
    if fault["stubborn"]:
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
    signal.alarm(LIFE)  # a scanner that leaves it behind does not leave it for good
    while True:
        signal.pause()


def write_much(size: int) -> None:
    piece = b" " * 65536
    for _ in range(size // len(piece)):
        sys.stdout.buffer.write(piece)


def wait_for_release() -> None:
    end = time.monotonic() + HOLD
    while not os.path.exists(os.path.join(FOLDER, "release")) and time.monotonic() < end:
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
