"""The document as a static site: an overview, a page for each repository, a page for each image.

`pages.py` lists the files and fills the templates, `site.py` says which pages there are and what stands over them,
`rows.py` what they list, `severities.py` what they count and draw; `markup.py` makes foreign strings harmless.
"""

from .pages import HtmlReporter

__all__ = ["HtmlReporter"]
