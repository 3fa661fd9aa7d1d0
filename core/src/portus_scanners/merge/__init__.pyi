"""The names of this folder, by the module that defines each."""

from .ecosystems import (
    PACKAGE_TYPES as PACKAGE_TYPES,
    canonical_name as canonical_name,
    canonical_namespace as canonical_namespace,
    canonical_version as canonical_version,
    kind_of as kind_of,
)
from .image_report import (
    SAID_TOGETHER as SAID_TOGETHER,
    finding_order as finding_order,
    judge as judge,
    make_image_report as make_image_report,
)
from .package_urls import (
    PackageUrl as PackageUrl,
    read_purl as read_purl,
)

__all__: list[str]
