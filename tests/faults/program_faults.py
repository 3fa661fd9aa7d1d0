"""The faults of programs: what a shell does before, or instead of, writing the good output. A new fault is one line.

``$good`` is the file with the good output, ``$out`` the expected one, a regular file of the test's own. All this runs
with the rights of whoever runs the tests: nothing here changes a path outside the folder for temporary files.
"""

from __future__ import annotations

SAY = 'printf "2099-01-01T00:00:00Z\\t%s\\t%s\\n"'

HANGS = {
    "hang": "sleep 100",
    "ignores TERM": "trap '' TERM; sleep 100; sleep 100",
    "stopped": "kill -STOP $$",
    "reads for ever": "cat /dev/zero > /dev/null",
    "hang after the output": 'cat "$good" > "$out"; sleep 100',
}
ENDS = {
    "exit 1": "exit 1",
    "exit 1 with output": 'cat "$good" > "$out"; exit 1',
    "exit 255": "exit 255",
    "killed": "kill -9 $$",
    "killed with output": 'cat "$good" > "$out"; kill -9 $$',
    "segmentation fault": "kill -11 $$",
    "no output": "exit 0",
    "empty": ': > "$out"; exit 0',
    "blank": 'printf "  \\n" > "$out"; exit 0',
    "half": 'head -c 150 "$good" > "$out"; exit 0',
    "twice": 'cat "$good" "$good" > "$out"; exit 0',
    "garbage after it": '{ cat "$good"; echo PASS; } > "$out"; exit 0',
    **{f"json {one}": f"echo '{one}' > \"$out\"; exit 0" for one in ("null", "[]", "{}", "0", '""', "NaN", "[null]")},
    "not utf-8": 'sed "s/bash/ba\\xff\\xfe/;s/Version/Ver\\xffsion/" "$good" > "$out"; exit 0',
    "flood of stdout": "head -c 200000000 /dev/zero",
    "flood of stderr": "head -c 200000000 /dev/zero >&2",
    "one line of 50 MB": "head -c 50000000 /dev/zero | tr '\\0' x >&2",
    "panic and exit 0": 'echo "panic: runtime error: index out of range" >&2; exit 0',
}
OUTPUT_FILES = {  # of a run that writes `report.json` into its working folder
    "a folder": "mkdir report.json; exit 0",
    "a link to passwd": "ln -s /etc/passwd report.json; exit 0",
    "a fifo": "mkfifo report.json; exit 0",
    "a link to /dev/zero": "ln -s /dev/zero report.json; exit 0",
    "removes its folder": 'rm -rf "$PWD"; exit 0',
}
HARMLESS = {
    "a child keeps the pipes": "(setsid sleep 3 &) ; true",
    "a child in its group": "sleep 77 &",
    "many files": "i=0; while [ $i -lt 100 ]; do echo x > f$i; i=$((i+1)); done",
    "deep folders": "h=$PWD; i=0; while [ $i -lt 100 ]; do mkdir d; cd d; i=$((i+1)); done; cd $h",
    "a locked folder": "mkdir locked; touch locked/x; chmod 0 locked",
    "a warning": f'{SAY} WARN "[x] something odd" >&2',
    "an error line": f'{SAY} ERROR "[dpkg] Failed to parse var/lib/dpkg/status" >&2',
}
PROGRAM_FAULTS = {**HANGS, **ENDS, **HARMLESS}
NOT_PROGRAMS = {
    "missing": None,
    "not executable": (b"#!/bin/sh\n", 0o644),
    "garbage": (bytes(range(256)), 0o755),
    "empty": (b"", 0o755),
    "no interpreter": (b"#!/no/such\n", 0o755),
}
