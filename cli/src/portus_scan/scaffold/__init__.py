"""A project for a new plugin: ``templates/`` has its files, ``project.py`` fills them in and writes them.

``templates/shared`` is in every project, the other folders for one kind of backend each. A file ends in ``.in`` here;
``PACKAGE`` in its path stands for the package's name, ``dot-`` for a dot; its text is a `string.Template`.
"""

from .names import Kind, PluginNames
from .project import make_files, write_project

__all__ = ["Kind", "PluginNames", "make_files", "write_project"]
