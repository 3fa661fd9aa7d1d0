"""A project for a new plugin: ``templates/`` has its files, the rest fills them in and writes them.

``templates/shared`` is in every project, the other folders for one kind of backend each. A file ends in ``.in`` here;
``PACKAGE`` in its path stands for the package's name, ``dot-`` for a dot; in its text `string.Template` fills in.
"""
