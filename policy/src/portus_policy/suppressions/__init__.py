"""Suppressions: rules, with a reason, that take a vulnerability out of the gate and leave it in every report.

`rule.py` is the model. `loading.py` reads files: `yaml_rules.py` our own, `openvex.py` with `openvex_products.py` and
`openvex_time.py` OpenVEX documents. `matching.py` says whether a rule fits a vulnerability, with the help of
`image_patterns.py`, `package_urls.py`, `version_ranges.py` and `ecosystems.py`; `index.py` says which rules to ask;
`applying.py` marks a document. Only `loading.py` does I/O.

A rule that may or may not fit does not: what is suppressed by mistake looks like what is not there.
"""

from __future__ import annotations
