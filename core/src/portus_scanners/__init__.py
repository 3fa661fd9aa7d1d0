"""Put one container image to every enabled vulnerability scanner, and get one answer that can be trusted.

    async with Engine(load_settings("config.yml")) as engine:
        report = await engine.scan("registry.example:5000/team/app:1.0")

Importing this package imports neither aiohttp nor any plugin: names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Engine, Progress, Scan, ScannerHealth
    from .errors import (
        ImageNotFoundError,
        InvalidDocumentError,
        InvalidManifestError,
        InvalidReferenceError,
        InvalidReportError,
        PluginError,
        PortusScannersError,
        RegistryAuthError,
        RegistryError,
        RegistryUnavailableError,
        ScannerError,
        ScannerUnavailableError,
        SettingsError,
        UnsupportedImageError,
    )
    from .http import HttpAnswer, HttpBackend
    from .merge import make_image_report
    from .models import (
        Cvss,
        Finding,
        Image,
        ImageReport,
        Layer,
        Outcome,
        Package,
        Platform,
        Rating,
        ReportDocument,
        ScannerReport,
        ScannerRun,
        Severity,
        UnresolvedImage,
        Verdict,
        Vulnerability,
    )
    from .plugins import Plugin, discover
    from .registry.client import Registry
    from .registry.reference import Reference
    from .scanner import (
        BlobAccess,
        BlobHead,
        Health,
        HttpScannerSettings,
        Scanner,
        ScannerContext,
        ScannerSettings,
    )
    from .secret import Secret
    from .serialize import dump_document, load_document
    from .settings import RegistrySettings, ScannerSection, Settings, load_settings
else:
    _HOME = {
        "Engine": "engine",
    }

    def __getattr__(name: str) -> Any:
        raise AttributeError
