"""May this image run: a validating admission webhook of Kubernetes, on a listener of its own.

`admission_settings.py` has the section ``admission:``, `reviews.py` the words of Kubernetes (pure), `rulings.py` what
is said of each image, from the store alone, `admission_server.py` the listener and its certificates.
"""

from .admission_server import AdmissionServer, Certificates
from .admission_settings import AdmissionSettings, TagRule, UnknownRule, read_admission
from .reviews import AdmissionRequest, ImageRuling, ReviewError, read_review, write_review
from .rulings import ImageJudge

__all__ = [
    "AdmissionRequest",
    "AdmissionServer",
    "AdmissionSettings",
    "Certificates",
    "ImageJudge",
    "ImageRuling",
    "ReviewError",
    "TagRule",
    "UnknownRule",
    "read_admission",
    "read_review",
    "write_review",
]
