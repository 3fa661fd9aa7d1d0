"""Begins to measure which branches each Python of this environment takes, or ends that: ``measured.py begin|end``.

Children that tests start have environments of their own, or none, where pytest-cov and coverage itself follow them by
variables. A file in ``site-packages`` is read by every Python of the environment; it is there while the tests run.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRATCH = ROOT / ".venv" / "coverage"
HOOK = Path(sysconfig.get_path("purelib"), "portus_measured.pth")
_BEGIN = (
    "import os; os.environ['COVERAGE_PROCESS_START'] = {config!r}; import coverage; coverage.process_startup();"
    " del os.environ['COVERAGE_PROCESS_START']\n"
)
_CONFIG = """[run]
branch = true
parallel = true
data_file = {scratch}/data
source = {sources}
concurrency = thread, greenlet
patch = _exit, fork
disable_warnings = no-data-collected, no-ctracer, module-not-imported, module-not-measured, module-not-python,
    couldnt-parse, already-imported, include-ignored, trace-changed, no-sysmon

[report]
skip_covered = true
skip_empty = true
show_missing = true
precision = 1
exclude_also =
    if TYPE_CHECKING:
    @overload
    @abstractmethod
    ^\\s*\\.\\.\\.$
"""


def main() -> None:
    """Begin to measure, or end it."""
    if sys.argv[1] == "end":
        HOOK.unlink(missing_ok=True)
        return
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir()
    sources = ", ".join(str(one) for one in sorted(ROOT.glob("*/src")) + sorted(ROOT.glob("plugins/*/src")))
    config = SCRATCH / "config"
    config.write_text(_CONFIG.format(scratch=SCRATCH, sources=sources), encoding="utf-8")
    HOOK.write_text(_BEGIN.format(config=str(config)), encoding="utf-8")


if __name__ == "__main__":
    main()
