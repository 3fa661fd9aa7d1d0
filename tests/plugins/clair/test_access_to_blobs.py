"""When the registry gives no access to a layer: the error says at which, and is of the right kind."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_scanners import (
    BlobAccess,
    BlobHead,
    Image,
    Layer,
    LocalImage,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
    ScannerError,
    ScannerUnavailableError,
    UnsupportedImageError,
)
from portus_scanners_testing import Status
from portus_scanners_testing.images import debian_image

from .conftest import FaultyContext, House

WHERE = {"registry": "registry.example", "step": "blob"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (UnsupportedImageError("a foreign layer"), UnsupportedImageError),
        (RegistryUnavailableError("out of order", **WHERE), ScannerUnavailableError),
        (RegistryAuthError("wrong password", **WHERE), ScannerError),
        (ScannerUnavailableError("gone", retry=False), ScannerUnavailableError),
    ],
)
async def test_without_access_nothing_is_posted(house: House, fault: Exception, kind: type[ScannerError]) -> None:
    """The reason is passed on with the layer in front; a registry that is out of order is worth another try."""
    image = await house.image(debian_image({}))
    house.context.fault = fault
    with pytest.raises(ScannerError) as raised:
        await house.scanner().scan(image)
    assert (kind, []) == (type(raised.value), house.clair.posts)
    assert f"layer 1 of 1 ({image.layers[0].digest}): {fault}" == str(raised.value)


async def test_not_to_be_tried_again_stays_so(house: House) -> None:
    """Putting the layer in front of an error keeps what it says of trying again."""
    house.context.fault = ScannerUnavailableError("gone", retry=False)
    with pytest.raises(ScannerUnavailableError) as raised:
        await house.scanner().scan(await house.image(debian_image({})))
    assert raised.value.retry is False


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "ftp://a.example/b", ""])
async def test_only_a_url_is_sent(house: House, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Only http(s) URLs are sent: Clair would open a path on its own host."""

    async def blob(_context: FaultyContext, _image: Image, _layer: Layer, *, renew: bool = False) -> BlobAccess:
        return BlobAccess(url=url)

    monkeypatch.setattr(FaultyContext, "blob", blob)
    with pytest.raises(ScannerError, match="not sent to Clair"):
        await house.scanner().scan(await house.image(debian_image({})))
    assert [] == house.clair.posts


async def test_layers_of_a_local_image_that_clair_does_not_reach(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what can be done about it."""
    image = await house.image(debian_image({}))

    async def blob(_context: FaultyContext, _image: Image, _layer: Layer, *, renew: bool = False) -> BlobAccess:
        return BlobAccess(url="http://127.0.0.1:9/secret/layer")

    monkeypatch.setattr(FaultyContext, "blob", blob)
    with pytest.raises(ScannerError, match=r"must be able to reach 127.0.0.1:9; --serve-address gives"):
        await house.scanner().scan(evolve(image, local=LocalImage(form="oci", path="/x")))


async def test_a_registry_that_can_not_be_asked_does_not_stop_the_scan(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A HEAD of ours that fails altogether proves nothing against the blob."""

    async def head_blob(_context: FaultyContext, _image: Image, _layer: Layer) -> BlobHead:
        raise RegistryError("no", **WHERE)

    monkeypatch.setattr(FaultyContext, "head_blob", head_blob)
    assert (await house.scanner().scan(await house.image(debian_image({"bash": "5"})))).complete


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (BlobHead(status=0, reason="no route"), r"the registry did not answer \(no route\)"),
        (BlobHead(status=403, reason="denied"), r"the registry answered HTTP 403 \(denied\)"),
        (BlobHead(status=200), "the registry answered HTTP 200"),
    ],
)
async def test_what_the_registry_told_us_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, head: BlobHead, text: str
) -> None:
    """Clair hides why it got no blob: the error says what we get for it, and whom Clair must be able to reach."""

    async def head_blob(_context: FaultyContext, _image: Image, _layer: Layer) -> BlobHead:
        return head

    monkeypatch.setattr(FaultyContext, "head_blob", head_blob)
    house.registry.faults.add("*/blobs/*", Status(403), method="GET")
    with pytest.raises(ScannerError, match=text) as raised:
        await house.scanner().scan(await house.image(debian_image({})))
    assert f"must be able to reach {house.registry.host}" in str(raised.value)
    assert 2 == len(house.clair.posts)
