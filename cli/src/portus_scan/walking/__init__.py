"""Many images of a registry in one run: which they are, in what order, what is remembered of them.

`selection.py` says which repositories and tags are wanted, `repositories.py` reads a list of them, `listing.py` asks
the registry; `results.py` keeps what is finished, `since.py` what has changed; `tally.py` sums up, `pace.py` measures;
`display.py` shows it all, and `walk.py` runs it.
"""
