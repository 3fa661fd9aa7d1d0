"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions.

``names`` says which names mean one vulnerability, ``packages`` which findings are in the same package;
``vulnerability`` makes one vulnerability of such findings, ``image_report`` the report of an image, and one report out
of several. ``docs/reference/merging.md`` has the rules for users.
"""

from __future__ import annotations

from .image_report import combine_reports, judge, make_image_report, merge

__all__ = ["combine_reports", "judge", "make_image_report", "merge"]
