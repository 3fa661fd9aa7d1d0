"""The formats of this distribution: entry points of the group ``portus.reporters``, one module each."""
