"""An image as a folder that Trivy reads: layers that Trivy has kept already do not come at all.

The engine verifies each blob by its digest; what it unpacks to is verified here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from threading import Event

from portus_scanners import Image, ScannerContext
from portus_scanners.backends import ImageLayout, ProgramWorkspace

from .contents import LayerContent, check_content, read_contents


class TrivyLayout:
    """A layout without layers, until they are placed: Trivy opens no file of a layer that it has kept.

    Made by `open_layout`.

    Attributes:
        contents: What the image's configuration claims of its layers, base first.
        arguments: Trivy's arguments for this image.
    """

    def __init__(self, layout: ImageLayout, contents: tuple[LayerContent, ...]) -> None:
        self._layout = layout
        self.contents = contents
        self.arguments = ("--input", layout.name)

    async def place(self, contents: Iterable[LayerContent], *, verified: bool) -> None:
        """Put layers into the layout, unless they are there.

        Args:
            contents: Which layers.
            verified: Whether they are known to be what is claimed of them; if not, they are unpacked now.

        Raises:
            UnsupportedImageError: A layer is not stored with the image, or Trivy can't read its compression.
            ScannerUnavailableError: The registry can't be reached, or broke off.
            ScannerError: A layer can't be had, is not what is claimed of it, or there is no room for it.
        """
        claims: dict[str, list[LayerContent]] = defaultdict(list)
        for content in dict.fromkeys(contents):
            claims[content.blob].append(content)

        async def check(blob: str, path: Path) -> None:
            for content in claims[blob]:
                await _check(path, content)

        await self._layout.place(claims, None if verified else check)


async def open_layout(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> TrivyLayout:
    """Write the layout of an image, without its layers.

    Raises:
        UnsupportedImageError: The image has no configuration, or no layer.
        ScannerUnavailableError: The registry can't be reached, or broke off.
        ScannerError: The configuration can't be had, or does not say what the layers are.
    """
    layout = await ImageLayout.open(context, workspace, image)
    return TrivyLayout(layout, read_contents(image, layout.config))


async def _check(path: Path, content: LayerContent) -> None:
    stop = Event()
    try:
        await asyncio.to_thread(check_content, path, content, stop)
    finally:
        stop.set()  # where this is cancelled, the thread ends soon
