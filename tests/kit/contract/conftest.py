"""The samples are collected by a pytest of their own."""

from __future__ import annotations

collect_ignore = ["samples"]
