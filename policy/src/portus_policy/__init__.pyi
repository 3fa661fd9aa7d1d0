"""The public names, by the module that defines each."""

from portus_scanners.models import (
    GateResult as GateResult,
    GateViolation as GateViolation,
    Suppressed as Suppressed,
    UnusedRule as UnusedRule,
)

from .applying import (
    apply_policies as apply_policies,
)
from .diff import (
    DocumentDiff as DocumentDiff,
    ImageDiff as ImageDiff,
    NotComparable as NotComparable,
    SeverityChange as SeverityChange,
    compare_documents as compare_documents,
)
from .diff.json import (
    dump_diff as dump_diff,
)
from .gate import (
    CountedSeverity as CountedSeverity,
    GatePolicy as GatePolicy,
    Treatment as Treatment,
    check_gate as check_gate,
)
from .policies import (
    Policies as Policies,
)
from .reading import (
    load_policies as load_policies,
)
from .suppressions.applying import (
    apply_suppressions as apply_suppressions,
)
from .suppressions.loading import (
    load_suppressions as load_suppressions,
)
from .suppressions.rule import (
    Suppression as Suppression,
)

__all__: list[str]
__version__: str
