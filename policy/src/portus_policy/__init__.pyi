"""The public names, by the module that defines each."""

from portus_scanners.models import (
    GateResult as GateResult,
)
from portus_scanners.models import (
    GateViolation as GateViolation,
)
from portus_scanners.models import (
    Suppressed as Suppressed,
)
from portus_scanners.models import (
    UnusedRule as UnusedRule,
)

from .applying import (
    apply_policies as apply_policies,
)
from .diff import (
    DocumentDiff as DocumentDiff,
)
from .diff import (
    ImageDiff as ImageDiff,
)
from .diff import (
    NotComparable as NotComparable,
)
from .diff import (
    SeverityChange as SeverityChange,
)
from .diff import (
    compare_documents as compare_documents,
)
from .diff.json import (
    dump_diff as dump_diff,
)
from .gate import (
    CountedSeverity as CountedSeverity,
)
from .gate import (
    GatePolicy as GatePolicy,
)
from .gate import (
    Treatment as Treatment,
)
from .gate import (
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
