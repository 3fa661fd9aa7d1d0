"""The whole way: skopeo, the real docker-registry, its notifications as our page says, to the summary in the database."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from portus_scan_server.store import Store, sqlite_url, tables
from portus_scanners_testing.images import debian_image
from sqlalchemy import select
from standins.docker_registry import DockerRegistry

from ..processes import Serving, command, serving

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs"), pytest.mark.timeout(300)]
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "watch-registries.md"
