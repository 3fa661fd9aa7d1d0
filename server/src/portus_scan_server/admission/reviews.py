"""Reviews of Kubernetes (``admission.k8s.io/v1``): which images a request would let run, and the answer. Pure.

What can't be read is an error, never a request without images: no answer is better than a wrong one, since the
cluster's ``failurePolicy`` says what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from portus_images import one_line

from ..views import Answer

_VERSION, _KIND = "admission.k8s.io/v1", "AdmissionReview"
_TEMPLATE = ("spec", "template", "spec")
_PODS_OF: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
    ("batch", "Job"): _TEMPLATE,
}
"""Where the specification of the pod is, by API group and kind."""
_LISTS = ("initContainers", "ephemeralContainers")
_OPERATIONS = ("CREATE", "UPDATE")
_LONGEST_UID = 256
_LONGEST_MESSAGE = 1024
_LONGEST_WARNING = 250
"""Characters; Kubernetes cuts warnings of more than 256."""
_MOST_WARNINGS = 10
_FORBIDDEN = 403
_WORST_FIRST = (Answer.FAIL, Answer.UNKNOWN, Answer.PASS)


class ReviewError(ValueError):
    """A body that is not a review, or not one that can be decided; the message says why."""


@frozen(kw_only=True)
class AdmissionRequest:
    """What a cluster asks.

    Attributes:
        uid: Which question this is; the answer has it.
        images: The images that would run, as they are written, each once; of an update those that are new.
        is_dry_run: Whether nothing may come of it.
    """

    uid: str
    images: tuple[str, ...]
    is_dry_run: bool


@frozen(kw_only=True)
class ImageRuling:
    """What is said of one image.

    Attributes:
        image: As it is written.
        answer: Whether it passes, as far as is known.
        is_allowed: Whether it may run.
        message: Why not, or what whoever runs it is told; empty for nothing.
        digest: What was looked at; empty where there is nothing.
    """

    image: str
    answer: Answer
    is_allowed: bool
    message: str = ""
    digest: str = ""


def read_review(body: bytes) -> AdmissionRequest:
    """Return what a cluster asks.

    Raises:
        ReviewError: It can't be read, or is about something else than what runs images.
    """
    try:
        review = json.loads(body)
    except (ValueError, RecursionError):
        raise ReviewError("the body is not JSON") from None
    review = _mapping(review, "the body")
    if (review.get("apiVersion"), review.get("kind")) != (_VERSION, _KIND):
        raise ReviewError(f"expected apiVersion {_VERSION} and kind {_KIND}: admissionReviewVersions: [v1]")
    request = _mapping(review.get("request"), "request")
    uid = request.get("uid")
    if not isinstance(uid, str) or not 0 < len(uid) <= _LONGEST_UID:
        raise ReviewError(f"request.uid: expected a string of 1 to {_LONGEST_UID} characters")
    if request.get("operation") not in _OPERATIONS:
        raise ReviewError("request.operation: only CREATE and UPDATE are for this webhook")
    is_dry_run = request.get("dryRun", False)
    if not isinstance(is_dry_run, bool | None):
        raise ReviewError("request.dryRun: expected a boolean")
    kind = _mapping(request.get("kind"), "request.kind")
    path = _PODS_OF.get((str(kind.get("group", "")), str(kind.get("kind"))))
    if path is None:
        raise ReviewError(f"request.kind: {one_line(str(kind.get('kind')), 60)} is not for this webhook")
    images = dict.fromkeys(_images(request.get("object"), "request.object", path))
    if request["operation"] == "UPDATE":
        for image in _images(request.get("oldObject"), "request.oldObject", path):
            images.pop(image, None)  # it runs already: else no label of an old pod could be changed
    return AdmissionRequest(uid=uid, images=tuple(images), is_dry_run=bool(is_dry_run))


def _images(value: object, place: str, path: Sequence[str]) -> Iterator[str]:
    """Yield the images of an object: those of all containers, and those that are mounted as volumes."""
    for key in path:
        value, place = _mapping(value, place).get(key), f"{place}.{key}"
    pod = _mapping(value, place)
    containers = _list(pod.get("containers"), f"{place}.containers")
    if not containers:
        raise ReviewError(f"{place}.containers: expected at least one")
    for key, listed in (("containers", containers), *((key, _optional(pod, key, place)) for key in _LISTS)):
        for number, one in enumerate(listed):
            yield _image(_mapping(one, f"{place}.{key}[{number}]").get("image"), f"{place}.{key}[{number}].image")
    for number, one in enumerate(_optional(pod, "volumes", place)):
        volume = f"{place}.volumes[{number}].image"
        if (mounted := _mapping(one, volume).get("image")) is not None:
            yield _image(_mapping(mounted, volume).get("reference"), f"{volume}.reference")


def _optional(pod: Mapping[str, Any], key: str, place: str) -> Sequence[object]:
    return () if pod.get(key) is None else _list(pod[key], f"{place}.{key}")


def _image(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise ReviewError(f"{place}: expected the name of an image")
    return value


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ReviewError(f"{place}: expected an object")
    return value


def _list(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise ReviewError(f"{place}: expected a list")
    return value


def write_review(uid: str, rulings: Sequence[ImageRuling]) -> dict[str, Any]:
    """Return the answer to a review: allowed where each image is."""
    ordered = sorted(rulings, key=lambda one: _WORST_FIRST.index(one.answer))
    denied = [one.message for one in ordered if not one.is_allowed]
    warnings = [one_line(one.message, _LONGEST_WARNING - 3) for one in ordered if one.is_allowed and one.message]
    response: dict[str, Any] = {"uid": uid, "allowed": not denied}
    if denied:
        message = one_line("; ".join(denied), _LONGEST_MESSAGE - 3)
        response["status"] = {"code": _FORBIDDEN, "reason": "Forbidden", "message": message}
    if warnings:
        response["warnings"] = warnings[:_MOST_WARNINGS]
    if ordered:
        said = ", ".join(f"{one.image} {one.digest or '-'} {one.answer.value}" for one in ordered)
        response["auditAnnotations"] = {"verdict": ordered[0].answer.value, "images": one_line(said, _LONGEST_MESSAGE)}
    return {"apiVersion": _VERSION, "kind": _KIND, "response": response}
