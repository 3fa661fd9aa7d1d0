"""Scanners that do what no scanner should: each is an entry point, and says how its run is to end.

``returned`` has what a scanner may return, ``raised`` what it may raise, ``lasting`` what goes on when it has ended,
``at_start`` what is wrong before there is a scan, ``escaping`` what only ends with its process.
A new one is a class in one of them, and a line in
``pyproject.toml``.
"""
