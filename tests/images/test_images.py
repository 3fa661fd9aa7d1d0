"""One door for registries, folders and archives."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from portus_images import Images, LocalImageError, Registry, parse_reference

async def main() -> None:
    async with Registry() as registry:
        images = Images(registry)
        before = "portus_images.local" in sys.modules
        try:
            await images.resolve(parse_reference("oci:/nonexistent"))
        except LocalImageError as error:
            print(before, "portus_images.local" in sys.modules, error)
        await images.aclose()

asyncio.run(main())
"""


def test_what_local_images_need_is_loaded_with_the_first() -> None:
    """Images in registries pay nothing for it."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert "False True oci:/nonexistent: No such file or directory\n" == ended.stdout
