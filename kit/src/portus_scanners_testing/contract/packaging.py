"""Promises about the plugin's distribution and its settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import attrs
import pytest
from portus_images import SettingsError
from portus_scanners import Scanner, ScannerSettings
from portus_scanners.plugins import SUPPORTED_CONTRACTS, Plugin, discover

from .lab import ScannerLab
from .promises import promised
from .subject import ScannerSubject

_SECRET_NAME = re.compile(r"(?i)(.*_)?(password|passphrase|secret|token|api_?key|credentials?|private_key)")
_IMPORT = """
import json, os, sys, threading, importlib
import importlib_metadata
from portus_scanners import Scanner, ScannerError
from portus_scanners_testing.surroundings import process_state, watched_environment
before, state = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set(), process_state()
printed, sys.stdout = sys.stdout, __import__("io").StringIO()
with watched_environment([sys.argv[1].partition(".")[0]]) as environment:
    importlib.import_module(sys.argv[1])
text, sys.stdout = sys.stdout.getvalue(), printed
after = set(os.listdir("/proc/self/fd")) if before else set()
sockets = [os.readlink(f"/proc/self/fd/{n}") for n in after - before if os.path.exists(f"/proc/self/fd/{n}")]
changed = [f"{name} is now {value}" for name, value in process_state().items() if value != state[name]]
print(json.dumps({"printed": text, "threads": threading.active_count() - 1, "changed": changed,
                  "environment": environment,
                  "open": [one for one in sockets if one.startswith(("socket:", "pipe:"))]}))
"""
_NOTHING = {"printed": "", "threads": 0, "changed": [], "environment": [], "open": []}


@promised
class PackagingTests(ScannerSubject):
    """Promises about the distribution, the class statement and the settings."""

    @pytest.fixture
    def plugin(self) -> Plugin:
        """The entry point that names the class."""
        found = [plugin for plugin in discover() if self._names_the_class(plugin)]
        group = 'the group "portus.scanners"'
        assert found, f"no entry point of {group} names {self.scanner_class.__qualname__}: is it installed?"
        return found[0]

    def test_entry_point_names_the_class(self, plugin: Plugin) -> None:
        assert plugin.load() is self.scanner_class

    def test_distribution_requires_the_core(self, plugin: Plugin) -> None:
        assert [] != [line for line in plugin.requires if re.search(r"[<>=~]", line)], (
            f"{plugin.distribution} must require portus-scanners with a range, such as portus-scanners~=0.1"
        )

    def test_contract_number_is_stated(self) -> None:
        assert issubclass(self.scanner_class, Scanner)
        assert vars(self.scanner_class).get("contract") in SUPPORTED_CONTRACTS

    def test_import_has_no_effects(self) -> None:
        ended = subprocess.run(  # noqa: S603 (our own code)
            [sys.executable, "-c", _IMPORT, self.scanner_class.__module__],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert 0 == ended.returncode, ended.stderr
        effects = json.loads(ended.stdout.splitlines()[-1])
        done = {name: value for name, value in effects.items() if value != _NOTHING[name]}
        assert {} == done, f"importing {self.scanner_class.__module__} has done this: {done}"

    def test_settings_load_from_strings(self, lab: ScannerLab) -> None:
        settings_class = self.scanner_class.settings_class
        strings = {name: value if isinstance(value, str) else json.dumps(value) for name, value in lab.values.items()}
        settings = lab.section(strings).structure(settings_class)
        assert isinstance(settings, ScannerSettings)
        assert type(settings) is settings_class
        assert lab.section().structure(settings_class) == settings

    def test_unknown_setting_is_rejected(self, lab: ScannerLab) -> None:
        with pytest.raises(SettingsError, match="no_such_setting"):
            lab.section({"no_such_setting": "1"}).structure(self.scanner_class.settings_class)

    def test_settings_are_frozen(self, lab: ScannerLab) -> None:
        settings: Any = lab.section().structure(self.scanner_class.settings_class)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            settings.timeout = 1.0

    def test_secret_settings_are_masked(self) -> None:
        fields = attrs.fields(self.scanner_class.settings_class)
        bare = [one.name for one in fields if _SECRET_NAME.fullmatch(one.name) and "Secret" not in str(one.type)]
        assert [] == bare

    def _names_the_class(self, plugin: Plugin) -> bool:
        module, _, path = plugin.value.partition(":")
        ours = self.scanner_class.__module__
        is_near = ours == module or ours.startswith(f"{module}.") or module.startswith(f"{ours}.")
        return path.strip() == self.scanner_class.__qualname__ and is_near
