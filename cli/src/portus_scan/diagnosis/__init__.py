"""What ``portus-scan doctor`` says: all that a scan depends on, how it is gathered, and the page that shows it."""

from .diagnosis import Diagnosis, render_diagnosis
from .gather import run_diagnosis

__all__ = ["Diagnosis", "render_diagnosis", "run_diagnosis"]
