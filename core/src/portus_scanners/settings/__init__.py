"""Configuration: a Portus ``config.yml`` and ``PORTUS_SECURITY_*``.

Read in two steps. `load_settings` finds the sections and whether they are enabled; it imports no plugin. A section's
values become the plugin's settings class only when the engine has loaded it: `ScannerSection.structure`. What other
sections of the file are read with (``portus_policy``) is here as well.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
