"""The names of this folder, by the module that defines each."""

from .findings import (
    HIGHEST_FIRST as HIGHEST_FIRST,
    Cvss as Cvss,
    Finding as Finding,
    FixState as FixState,
    Package as Package,
    Severity as Severity,
    VendorRating as VendorRating,
)
from .many_findings import (
    finding_maker as finding_maker,
    maker_or as maker_or,
)
from .reports import (
    SCHEMA_VERSION as SCHEMA_VERSION,
    GateResult as GateResult,
    GateViolation as GateViolation,
    ImageReport as ImageReport,
    ReportDocument as ReportDocument,
    UnresolvedImage as UnresolvedImage,
    UnusedRule as UnusedRule,
    Verdict as Verdict,
)
from .runs import (
    Database as Database,
    EndOfLife as EndOfLife,
    Outcome as Outcome,
    ScannerReport as ScannerReport,
    ScannerRun as ScannerRun,
)
from .vulnerabilities import (
    MatchedBy as MatchedBy,
    Rating as Rating,
    SeverityPolicy as SeverityPolicy,
    Suppressed as Suppressed,
    Vulnerability as Vulnerability,
)

__all__: list[str]
