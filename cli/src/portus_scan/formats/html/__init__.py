"""The document as a static site: an overview, a page for each repository, a page for each image.

`pages.py` lists the files and fills the templates, `site.py` says which pages there are and what stands over them,
`rows.py` what they list, `severities.py` what they count and draw; `markup.py` makes foreign strings harmless.
`painter.py` is what the pages of the service are made with as well, out of their own templates over these.
"""

from .pages import HtmlReporter
from .painter import make_environment, read_template
from .rows import PageRow, list_rows
from .severities import Level, SeverityTally

__all__ = ["HtmlReporter", "Level", "PageRow", "SeverityTally", "list_rows", "make_environment", "read_template"]
