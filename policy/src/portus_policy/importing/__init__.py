"""Rules of other programs -> our suppressions, each as narrow as its source or narrower.

`imported.py` has what comes of a file, and writes it as a file of ours; `yaml_rules.py` reads the ignore files of Trivy
and Grype, `allow_lists.py` those of Klar, clair-scanner and claircli, `csaf.py` and `cyclonedx.py` VEX documents. Pure,
but for `foreign_files.py`, which reads the file and tells them apart.

What a rule of ours can't express is left out and named, never widened.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
