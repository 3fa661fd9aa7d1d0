"""Registries: where they are, how they let us in, their manifests and blobs. Importing this imports no aiohttp."""

from ..lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
