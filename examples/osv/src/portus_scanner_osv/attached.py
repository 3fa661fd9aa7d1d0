"""The SBOM that was pushed to the registry with an image as its subject."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Image, Referrer, ScannerContext, UnsupportedImageError
from portus_scanners.backends import read_json, structure_answer

SBOM_TYPES = ("application/vnd.cyclonedx+json", "application/spdx+json")
"""What an SBOM is attached as; of several kinds, the first counts."""
_MAX_MANIFEST = 1024 * 1024


@frozen
class Content:
    """Where the SBOM itself lies."""

    digest: str


@frozen
class Manifest:
    """What the registry has for a referrer."""

    layers: tuple[Content, ...] = field(validator=min_len(1))


async def fetch_attached(context: ScannerContext, image: Image, *, max_size: int) -> bytes:
    """Return the SBOM that is attached to an image.

    Raises:
        UnsupportedImageError: There is none; the message says how to attach one.
        InvalidReportError: What is attached has no content.
        RegistryError: The registry does not give it.
    """
    found = [one for one in await context.referrers(image) if one.artifact_type in SBOM_TYPES]
    if not found:
        raise UnsupportedImageError(
            f"no SBOM is attached to the image; attach one (oras attach --artifact-type {SBOM_TYPES[0]} IMAGE@DIGEST "
            "sbom.json), or name a file with the setting sbom"
        )
    chosen = min(found, key=_preference)
    what = "the manifest of the attached SBOM"
    document = read_json(await context.fetch(image, chosen.digest, max_size=_MAX_MANIFEST), what)
    return await context.fetch(image, structure_answer(document, Manifest, what).layers[0].digest, max_size=max_size)


def _preference(referrer: Referrer) -> tuple[int, str]:
    """Return a key that makes the choice the same each time."""
    return SBOM_TYPES.index(referrer.artifact_type), referrer.digest
