"""The queries that pages and the API share: each is told who looks, and returns what these may see.

All take a transaction that reads (`db`), who looks (`viewer`), and what summaries depend on (`rules`), as far as they
need it; a registry by its configured host, an id or alias in upper or lower case. A list takes the cursor of the page
before (`after`) and how many rows there may be (`limit`).

`visibility.py` has what is part of all of them, `security.py` the words for what is known of an image, `paging.py`
pages by key.
"""

from .image_views import (
    HistoryRow,
    ImageView,
    PlatformRow,
    RunRow,
    ScannerRow,
    TagRow,
    TagView,
    list_tags,
    load_image_view,
    load_tag,
)
from .paging import MOST, CursorError, Page
from .registry_views import RegistryRow, count_unwell, list_registries
from .report_process import ReportsBusyError
from .report_work import (
    FormatError,
    ReadReport,
    VulnerabilityChoice,
    VulnerabilityPage,
    VulnerabilityRow,
    make_document,
    read_report,
)
from .reports import CONTENT_TYPES, Reports
from .repository_views import (
    RepositoryImageRow,
    RepositoryRow,
    TagName,
    list_repositories,
    list_repository_images,
    load_repository,
)
from .request_views import RequestRow, RequestState, SourceRow, count_requests, list_requests, load_request
from .security import Activity, Security, SecurityState
from .verdicts import Answer, ImagePlaceKey, ImageVerdict, PlaceVerdict, load_place_verdicts, load_verdict
from .visibility import ImageName, SeenImage, has_image, see_image, seen_repositories
from .vulnerability_views import (
    FoundImage,
    FoundPackage,
    VulnerabilityView,
    find_vulnerability,
    load_vulnerability,
    open_vulnerability,
)

__all__ = [
    "CONTENT_TYPES",
    "MOST",
    "Activity",
    "Answer",
    "CursorError",
    "FormatError",
    "FoundImage",
    "FoundPackage",
    "HistoryRow",
    "ImageName",
    "ImagePlaceKey",
    "ImageVerdict",
    "ImageView",
    "Page",
    "PlaceVerdict",
    "PlatformRow",
    "ReadReport",
    "RegistryRow",
    "Reports",
    "ReportsBusyError",
    "RepositoryImageRow",
    "RepositoryRow",
    "RequestRow",
    "RequestState",
    "RunRow",
    "ScannerRow",
    "Security",
    "SecurityState",
    "SeenImage",
    "SourceRow",
    "TagName",
    "TagRow",
    "TagView",
    "VulnerabilityChoice",
    "VulnerabilityPage",
    "VulnerabilityRow",
    "VulnerabilityView",
    "count_requests",
    "count_unwell",
    "find_vulnerability",
    "has_image",
    "list_registries",
    "list_repositories",
    "list_repository_images",
    "list_requests",
    "list_tags",
    "load_image_view",
    "load_place_verdicts",
    "load_repository",
    "load_request",
    "load_tag",
    "load_verdict",
    "load_vulnerability",
    "make_document",
    "open_vulnerability",
    "read_report",
    "see_image",
    "seen_repositories",
]
