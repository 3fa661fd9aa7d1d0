"""The command ``portus-scan``: container images put to every enabled scanner, one answer printed."""
