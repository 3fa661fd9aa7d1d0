"""Suppressions: rules, with a reason, that take a vulnerability out of the gate and leave it in every report.

`rules.py` has the model and our own files, `openvex.py` with `vex_statements.py` OpenVEX documents; `files.py` reads
either. `matching.py` says whether a rule fits a vulnerability, by `packages.py` and `image_patterns.py`; `marks.py`
marks a document. Only `files.py` does I/O.

A rule that may or may not fit does not: what is suppressed by mistake looks like what is not there.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
