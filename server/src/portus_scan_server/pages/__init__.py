"""What people see: pages that are complete without script, made with the templates and rules of the static site.

`routes.py` has the handlers, `page_addresses.py` how pages are called, `renderer.py` the templates. The page of an
image is `tag_page.py`, with the `row_filter.py` that its address asks for.
"""

from .page_addresses import Addresses, PlaceName
from .routes import add_routes

__all__ = ["Addresses", "PlaceName", "add_routes"]
