"""The public names, by the module that defines each."""

from portus_scanners.models import (
    GateResult as GateResult,
    GateViolation as GateViolation,
    Suppressed as Suppressed,
    UnusedRule as UnusedRule,
)

from .combine import (
    CombineError as CombineError,
    combine_reports as combine_reports,
)
from .diff import (
    DocumentDiff as DocumentDiff,
    ImageDiff as ImageDiff,
    NotComparable as NotComparable,
    SeverityChange as SeverityChange,
    compare_documents as compare_documents,
    diff_pieces as diff_pieces,
    dump_diff as dump_diff,
)
from .gate import check_gate as check_gate
from .gate_policy import (
    CountedSeverity as CountedSeverity,
    GatePolicy as GatePolicy,
    Treatment as Treatment,
)
from .importing import (
    ImportedSuppressions as ImportedSuppressions,
    import_suppressions as import_suppressions,
)
from .lookalikes import looks_like as looks_like
from .policy import (
    Policy as Policy,
    apply_policy as apply_policy,
    load_policy as load_policy,
)
from .sequences import LazySequence as LazySequence
from .suppressions import (
    Suppression as Suppression,
    apply_suppressions as apply_suppressions,
    load_suppressions as load_suppressions,
)

__all__: list[str]
__version__: str
