"""The public names, by the module that defines each."""

from portus_images import (
    BlobAccess as BlobAccess,
    BlobHead as BlobHead,
    Image as Image,
    ImageNotFoundError as ImageNotFoundError,
    ImageReference as ImageReference,
    InvalidReferenceError as InvalidReferenceError,
    Layer as Layer,
    LocalImage as LocalImage,
    LocalReference as LocalReference,
    Platform as Platform,
    PortusError as PortusError,
    Reference as Reference,
    Referrer as Referrer,
    RegistryAuthError as RegistryAuthError,
    RegistryError as RegistryError,
    RegistryUnavailableError as RegistryUnavailableError,
    Secret as Secret,
    SettingsError as SettingsError,
    parse_reference as parse_reference,
)

from .engine import (
    BackendLimit as BackendLimit,
    Engine as Engine,
    ImageProgress as ImageProgress,
    Progress as Progress,
    Scan as Scan,
    ScanEnd as ScanEnd,
    ScannerHealth as ScannerHealth,
    Scans as Scans,
    Slots as Slots,
)
from .errors import (
    InvalidDocumentError as InvalidDocumentError,
    InvalidReportError as InvalidReportError,
    PluginError as PluginError,
    ScannerError as ScannerError,
    ScannerUnavailableError as ScannerUnavailableError,
    UnsupportedImageError as UnsupportedImageError,
)
from .merge import make_image_report as make_image_report
from .models import (
    Cvss as Cvss,
    Database as Database,
    EndOfLife as EndOfLife,
    Finding as Finding,
    FixState as FixState,
    ImageReport as ImageReport,
    MatchedBy as MatchedBy,
    Outcome as Outcome,
    Package as Package,
    Rating as Rating,
    ReportDocument as ReportDocument,
    ScannerReport as ScannerReport,
    ScannerRun as ScannerRun,
    Severity as Severity,
    SeverityPolicy as SeverityPolicy,
    UnresolvedImage as UnresolvedImage,
    VendorRating as VendorRating,
    Verdict as Verdict,
    Vulnerability as Vulnerability,
)
from .plugins import (
    Plugin as Plugin,
    discover as discover,
)
from .scanner import (
    Health as Health,
    Scanner as Scanner,
    ScannerContext as ScannerContext,
)
from .scanner_settings import (
    HttpScannerSettings as HttpScannerSettings,
    ProgramScannerSettings as ProgramScannerSettings,
    ScannerSettings as ScannerSettings,
)
from .serialize import (
    dump_document as dump_document,
    dump_line as dump_line,
    load_document as load_document,
    load_line as load_line,
)
from .settings import (
    ScannerSection as ScannerSection,
    Settings as Settings,
    load_settings as load_settings,
)

__all__: list[str]
__version__: str
