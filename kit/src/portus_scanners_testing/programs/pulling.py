# How the executable that `ScriptedProgram` makes pulls an image, as scanners that are programs do.
# It finds credentials where such programs look for them: Docker's and podman's files, pairs of variables, tokens.
from __future__ import annotations

import base64
import json
import os
import re
import sys
import urllib.error
import urllib.request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 1_000_000
_ACCEPT = "application/vnd.oci.image.manifest.v1+json,application/vnd.docker.distribution.manifest.v2+json"


def pull_all(host: str) -> str:
    """Pull each image on a host that the program was told of; return what went wrong."""
    told = [*sys.argv[1:], *os.environ.values(), *file_contents()]
    names = {name for text in told for name in re.findall(re.escape(host) + r"/([\w./-]+[@:][\w:.-]+)", text)}
    return "; ".join(filter(None, (pull(host, name) for name in sorted(names))))


def pull(host: str, name: str) -> str:
    repository, mark, reference = name.partition("@")
    if not mark:
        repository, _, reference = name.rpartition(":")
    reason = "no credentials for " + host
    for credentials in ["", *credentials_for(host)]:
        try:
            manifest = json.loads(get(host, repository, "manifests/" + reference, credentials))
            if manifest.get("layers"):
                get(host, repository, "blobs/" + manifest["layers"][0]["digest"], credentials)
        except (OSError, ValueError) as error:
            reason = str(error) if credentials else reason
        else:
            return ""
    return f"unauthorized: {host}/{name} can't be pulled: {reason}"


def get(host: str, repository: str, path: str, credentials: str) -> bytes:
    url = f"http://{host}/v2/{repository}/{path}"
    try:
        return fetch(url, credentials)
    except urllib.error.HTTPError as error:
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', error.headers.get("WWW-Authenticate", "")))
        if "realm" not in challenge or not credentials.startswith("Basic") or not challenge["realm"].startswith("http"):
            raise
        query = f"?service={challenge['service']}&scope={challenge['scope']}"
        token = json.loads(fetch(challenge["realm"] + query, credentials))["token"]
        return fetch(url, "Bearer " + token)


def fetch(url: str, credentials: str) -> bytes:
    headers = {"Accept": _ACCEPT, **({"Authorization": credentials} if credentials else {})}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return bytes(answer.read())


def credentials_for(host: str) -> Iterator[str]:
    for text in file_contents():
        try:
            found = json.loads(text)["auths"][host]
        except (ValueError, KeyError, TypeError):
            continue
        if "registrytoken" in found:
            yield "Bearer " + found["registrytoken"]
        yield "Basic " + (found.get("auth") or basic(found.get("username", ""), found.get("password", "")))
    for name, value in os.environ.items():
        if name.upper().endswith("TOKEN"):
            yield "Bearer " + value
        for user in [other for key, other in os.environ.items() if "USER" in key.upper()]:
            yield basic(user, value)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def file_contents() -> Iterator[str]:
    """Yield the files that the arguments and variables name, and those where such programs look for credentials."""
    folders = [os.environ.get("DOCKER_CONFIG", ""), os.path.join(os.environ.get("HOME", ""), ".docker")]
    paths = [os.path.join(folder, "config.json") for folder in folders if folder]
    paths += [value.rpartition("=")[2] for value in [*sys.argv[1:], *os.environ.values()]]
    for path in dict.fromkeys(paths):
        if os.path.isfile(path) and os.path.getsize(path) < LARGEST:
            with open(path, encoding="utf-8", errors="replace") as file:
                yield file.read()
