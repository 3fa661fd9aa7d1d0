"""Put one container image to every enabled vulnerability scanner, and get one answer that can be trusted.

    async with Engine(load_settings("config.yml")) as engine:
        report = await engine.scan("registry.example:5000/team/app:1.0")

Importing this package imports neither aiohttp nor any plugin: names are loaded when they are first used.
"""

from portus_images import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
