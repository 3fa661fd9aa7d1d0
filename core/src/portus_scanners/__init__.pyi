"""The public names, by the module that defines each."""

from portus_images import (
    BlobAccess as BlobAccess,
)
from portus_images import (
    BlobHead as BlobHead,
)
from portus_images import (
    Image as Image,
)
from portus_images import (
    ImageNotFoundError as ImageNotFoundError,
)
from portus_images import (
    ImageReference as ImageReference,
)
from portus_images import (
    InvalidReferenceError as InvalidReferenceError,
)
from portus_images import (
    Layer as Layer,
)
from portus_images import (
    LocalImage as LocalImage,
)
from portus_images import (
    LocalReference as LocalReference,
)
from portus_images import (
    Platform as Platform,
)
from portus_images import (
    PortusError as PortusError,
)
from portus_images import (
    Reference as Reference,
)
from portus_images import (
    Referrer as Referrer,
)
from portus_images import (
    RegistryAuthError as RegistryAuthError,
)
from portus_images import (
    RegistryError as RegistryError,
)
from portus_images import (
    RegistryUnavailableError as RegistryUnavailableError,
)
from portus_images import (
    Secret as Secret,
)
from portus_images import (
    SettingsError as SettingsError,
)
from portus_images import (
    parse_reference as parse_reference,
)

from .engine import (
    Engine as Engine,
)
from .engine import (
    ImageProgress as ImageProgress,
)
from .engine import (
    Progress as Progress,
)
from .engine import (
    Scan as Scan,
)
from .engine import (
    ScanEnd as ScanEnd,
)
from .engine import (
    ScannerHealth as ScannerHealth,
)
from .engine import (
    Scans as Scans,
)
from .errors import (
    CombineError as CombineError,
)
from .errors import (
    InvalidDocumentError as InvalidDocumentError,
)
from .errors import (
    InvalidReportError as InvalidReportError,
)
from .errors import (
    PluginError as PluginError,
)
from .errors import (
    ScannerError as ScannerError,
)
from .errors import (
    ScannerUnavailableError as ScannerUnavailableError,
)
from .errors import (
    UnsupportedImageError as UnsupportedImageError,
)
from .merge import (
    make_image_report as make_image_report,
)
from .merge.combine import (
    combine_reports as combine_reports,
)
from .models import (
    Cvss as Cvss,
)
from .models import (
    Finding as Finding,
)
from .models import (
    FixState as FixState,
)
from .models import (
    ImageReport as ImageReport,
)
from .models import (
    MatchedBy as MatchedBy,
)
from .models import (
    Outcome as Outcome,
)
from .models import (
    Package as Package,
)
from .models import (
    Rating as Rating,
)
from .models import (
    ReportDocument as ReportDocument,
)
from .models import (
    ScannerReport as ScannerReport,
)
from .models import (
    ScannerRun as ScannerRun,
)
from .models import (
    Severity as Severity,
)
from .models import (
    SeverityPolicy as SeverityPolicy,
)
from .models import (
    UnresolvedImage as UnresolvedImage,
)
from .models import (
    VendorRating as VendorRating,
)
from .models import (
    Verdict as Verdict,
)
from .models import (
    Vulnerability as Vulnerability,
)
from .plugins import (
    Plugin as Plugin,
)
from .plugins import (
    discover as discover,
)
from .scanner import (
    Health as Health,
)
from .scanner import (
    HttpScannerSettings as HttpScannerSettings,
)
from .scanner import (
    ProgramScannerSettings as ProgramScannerSettings,
)
from .scanner import (
    Scanner as Scanner,
)
from .scanner import (
    ScannerContext as ScannerContext,
)
from .scanner import (
    ScannerSettings as ScannerSettings,
)
from .serialize import (
    dump_document as dump_document,
)
from .serialize import (
    dump_line as dump_line,
)
from .serialize import (
    load_document as load_document,
)
from .serialize import (
    load_line as load_line,
)
from .settings import (
    ScannerSection as ScannerSection,
)
from .settings import (
    Settings as Settings,
)
from .settings import (
    load_settings as load_settings,
)

__all__: list[str]
__version__: str
