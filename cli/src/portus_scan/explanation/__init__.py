"""What ``portus-scan explain`` says of one vulnerability: what is known of it, and the page that shows it."""

from .evidence import Explained, doubtful_runs, find_explained, nearest_names, why_shown
from .page import dump_explained, render_explained

__all__ = [
    "Explained",
    "doubtful_runs",
    "dump_explained",
    "find_explained",
    "nearest_names",
    "render_explained",
    "why_shown",
]
