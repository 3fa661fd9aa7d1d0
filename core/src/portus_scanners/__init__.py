"""Put one container image to every enabled vulnerability scanner, and get one answer that can be trusted.

    async with Engine(load_settings("config.yml")) as engine:
        report = await engine.scan("registry.example:5000/team/app:1.0")

Importing this package imports neither aiohttp nor any plugin: names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "BlobAccess",
    "BlobHead",
    "CombineError",
    "CountedSeverity",
    "Cvss",
    "DocumentDiff",
    "Engine",
    "Finding",
    "FixState",
    "FolderReporter",
    "GatePolicy",
    "GateResult",
    "GateViolation",
    "Health",
    "HttpAnswer",
    "HttpBackend",
    "HttpScannerSettings",
    "Image",
    "ImageDiff",
    "ImageNotFoundError",
    "ImageProgress",
    "ImageReference",
    "ImageReport",
    "InstalledPlugin",
    "InvalidDocumentError",
    "InvalidManifestError",
    "InvalidReferenceError",
    "InvalidReportError",
    "Layer",
    "LoadedPlugin",
    "LocalImage",
    "LocalImageError",
    "LocalReference",
    "MatchedBy",
    "NotComparable",
    "Outcome",
    "Package",
    "PathTemplate",
    "Platform",
    "Plugin",
    "PluginError",
    "Policies",
    "PortusScannersError",
    "ProgramAnswer",
    "ProgramBackend",
    "ProgramScannerSettings",
    "ProgramWorkspace",
    "Progress",
    "Rating",
    "Reference",
    "Referrer",
    "Registry",
    "RegistryAuthError",
    "RegistryError",
    "RegistrySettings",
    "RegistryUnavailableError",
    "ReportDocument",
    "ReportFile",
    "ReportJob",
    "Reporter",
    "ReporterPlugin",
    "Scan",
    "ScanEnd",
    "Scanner",
    "ScannerContext",
    "ScannerError",
    "ScannerHealth",
    "ScannerReport",
    "ScannerRun",
    "ScannerSection",
    "ScannerSettings",
    "ScannerUnavailableError",
    "Scans",
    "Secret",
    "Settings",
    "SettingsError",
    "Severity",
    "SeverityChange",
    "SeverityPolicy",
    "Suppressed",
    "Suppression",
    "Surface",
    "TextReporter",
    "Treatment",
    "UnresolvedImage",
    "UnsupportedImageError",
    "UnusedRule",
    "VendorRating",
    "Verdict",
    "Vulnerability",
    "apply_policies",
    "apply_suppressions",
    "check_gate",
    "check_plugin_lists",
    "combine_reports",
    "compare_documents",
    "credentials_files",
    "credentials_origin",
    "discover",
    "discover_reporters",
    "dump_diff",
    "dump_document",
    "dump_line",
    "kill_programs",
    "load_document",
    "load_line",
    "load_plugin",
    "load_policies",
    "load_settings",
    "load_suppressions",
    "make_image_report",
    "one_line",
    "parse_reference",
    "read_file",
    "read_json",
    "read_time",
    "structure_answer",
    "unique_findings",
    "web_links",
]

if TYPE_CHECKING:
    __version__: str
    from .diff import DocumentDiff, ImageDiff, NotComparable, SeverityChange, compare_documents
    from .engine import Engine, ImageProgress, Progress, Scan, ScanEnd, ScannerHealth, Scans
    from .errors import (
        CombineError,
        ImageNotFoundError,
        InvalidDocumentError,
        InvalidManifestError,
        InvalidReferenceError,
        InvalidReportError,
        LocalImageError,
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
    from .finding_parts import read_time, unique_findings, web_links
    from .gate import CountedSeverity, GatePolicy, Treatment, check_gate
    from .http import HttpAnswer, HttpBackend
    from .image_files import PathTemplate, read_file, read_json
    from .local.reference import ImageReference, LocalReference, parse_reference
    from .merge import make_image_report
    from .merge.combine import combine_reports
    from .models import (
        Cvss,
        Finding,
        FixState,
        GateResult,
        GateViolation,
        Image,
        ImageReport,
        Layer,
        LocalImage,
        MatchedBy,
        Outcome,
        Package,
        Platform,
        Rating,
        ReportDocument,
        ScannerReport,
        ScannerRun,
        Severity,
        SeverityPolicy,
        Suppressed,
        UnresolvedImage,
        UnusedRule,
        VendorRating,
        Verdict,
        Vulnerability,
    )
    from .plugins import InstalledPlugin, Plugin, ReporterPlugin, check_plugin_lists, discover, discover_reporters
    from .plugins.loading import LoadedPlugin, load_plugin
    from .policies import Policies, apply_policies, load_policies
    from .program import ProgramAnswer, ProgramBackend, ProgramWorkspace, kill_programs
    from .registry.client import Registry
    from .registry.origin import credentials_files, credentials_origin
    from .registry.reference import Reference
    from .reporter import FolderReporter, Reporter, ReportFile, ReportJob, TextReporter
    from .scanner import (
        BlobAccess,
        BlobHead,
        Health,
        HttpScannerSettings,
        ProgramScannerSettings,
        Referrer,
        Scanner,
        ScannerContext,
        ScannerSettings,
    )
    from .secret import Secret
    from .serialize import dump_diff, dump_document, dump_line, load_document, load_line
    from .settings import ScannerSection, Settings, load_settings
    from .settings.registries import RegistrySettings
    from .structuring import structure_answer
    from .suppressions.applying import apply_suppressions
    from .suppressions.loading import load_suppressions
    from .suppressions.rule import Suppression
    from .surface import Surface
    from .text import one_line
else:
    _HOMES = {
        "BlobAccess": "scanner",
        "BlobHead": "scanner",
        "CombineError": "errors",
        "CountedSeverity": "gate",
        "Cvss": "models",
        "DocumentDiff": "diff",
        "Engine": "engine",
        "Finding": "models",
        "FixState": "models",
        "FolderReporter": "reporter",
        "GatePolicy": "gate",
        "GateResult": "models",
        "GateViolation": "models",
        "Health": "scanner",
        "HttpAnswer": "http",
        "HttpBackend": "http",
        "HttpScannerSettings": "scanner",
        "Image": "models",
        "ImageDiff": "diff",
        "ImageNotFoundError": "errors",
        "ImageProgress": "engine",
        "ImageReference": "local.reference",
        "ImageReport": "models",
        "InstalledPlugin": "plugins",
        "InvalidDocumentError": "errors",
        "InvalidManifestError": "errors",
        "InvalidReferenceError": "errors",
        "InvalidReportError": "errors",
        "Layer": "models",
        "LoadedPlugin": "plugins.loading",
        "LocalImage": "models",
        "LocalImageError": "errors",
        "LocalReference": "local.reference",
        "MatchedBy": "models",
        "NotComparable": "diff",
        "Outcome": "models",
        "Package": "models",
        "PathTemplate": "image_files",
        "Platform": "models",
        "Plugin": "plugins",
        "PluginError": "errors",
        "Policies": "policies",
        "PortusScannersError": "errors",
        "ProgramAnswer": "program",
        "ProgramBackend": "program",
        "ProgramScannerSettings": "scanner",
        "ProgramWorkspace": "program",
        "Progress": "engine",
        "Rating": "models",
        "Reference": "registry.reference",
        "Referrer": "scanner",
        "Registry": "registry.client",
        "RegistryAuthError": "errors",
        "RegistryError": "errors",
        "RegistrySettings": "settings.registries",
        "RegistryUnavailableError": "errors",
        "ReportDocument": "models",
        "ReportFile": "reporter",
        "ReportJob": "reporter",
        "Reporter": "reporter",
        "ReporterPlugin": "plugins",
        "Scan": "engine",
        "ScanEnd": "engine",
        "Scanner": "scanner",
        "ScannerContext": "scanner",
        "ScannerError": "errors",
        "ScannerHealth": "engine",
        "ScannerReport": "models",
        "ScannerRun": "models",
        "ScannerSection": "settings",
        "ScannerSettings": "scanner",
        "ScannerUnavailableError": "errors",
        "Scans": "engine",
        "Secret": "secret",
        "Settings": "settings",
        "SettingsError": "errors",
        "Severity": "models",
        "SeverityChange": "diff",
        "SeverityPolicy": "models",
        "Suppressed": "models",
        "Suppression": "suppressions.rule",
        "Surface": "surface",
        "TextReporter": "reporter",
        "Treatment": "gate",
        "UnresolvedImage": "models",
        "UnsupportedImageError": "errors",
        "UnusedRule": "models",
        "VendorRating": "models",
        "Verdict": "models",
        "Vulnerability": "models",
        "apply_policies": "policies",
        "apply_suppressions": "suppressions.applying",
        "check_gate": "gate",
        "check_plugin_lists": "plugins",
        "combine_reports": "merge.combine",
        "compare_documents": "diff",
        "credentials_files": "registry.origin",
        "credentials_origin": "registry.origin",
        "discover": "plugins",
        "discover_reporters": "plugins",
        "dump_diff": "serialize",
        "dump_document": "serialize",
        "dump_line": "serialize",
        "kill_programs": "program",
        "load_document": "serialize",
        "load_line": "serialize",
        "load_plugin": "plugins.loading",
        "load_policies": "policies",
        "load_settings": "settings",
        "load_suppressions": "suppressions.loading",
        "make_image_report": "merge",
        "one_line": "text",
        "parse_reference": "local.reference",
        "read_file": "image_files",
        "read_json": "image_files",
        "read_time": "finding_parts",
        "structure_answer": "structuring",
        "unique_findings": "finding_parts",
        "web_links": "finding_parts",
    }

    def __getattr__(name: str) -> Any:
        """Import the module of a public name when the name is first used."""
        if name == "__version__":
            return _version()
        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*globals(), *__all__]


def _version() -> str:
    from importlib_metadata import version

    return version("portus-scanners")
