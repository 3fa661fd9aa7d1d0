"""Container images: references, registries as ``docker pull`` reaches them, local archives, verified layers.

    async with Registry() as registry:
        image = await registry.resolve(Reference.parse("registry.example:5000/team/app:1.0"))

Importing this package does not import aiohttp: names are loaded when they are first used.
"""

from .lazy import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
