"""Reviews of Kubernetes, read and answered, without anything around them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portus_scan_server.admission import ImageRuling, ReviewError, read_review, write_review
from portus_scan_server.views import Answer

from .asking import pod, review

POD = {
    "initContainers": [{"name": "init", "image": "a"}],
    "containers": [{"name": "app", "image": "b"}, {"name": "side", "image": "a"}],
    "ephemeralContainers": [{"name": "debug", "image": "c"}],
    "volumes": [{"name": "data", "emptyDir": {}}, {"name": "files", "image": {"reference": "d"}}],
}
TEMPLATE = {"template": {"metadata": {}, "spec": POD}}


@pytest.mark.parametrize(
    ("group", "kind", "value"),
    [
        ("", "Pod", {"spec": POD}),
        ("", "PodTemplate", {"template": {"spec": POD}}),
        ("", "ReplicationController", {"spec": TEMPLATE}),
        ("batch", "Job", {"spec": TEMPLATE}),
        ("batch", "CronJob", {"spec": {"jobTemplate": {"spec": TEMPLATE}}}),
        *(("apps", kind, {"spec": TEMPLATE}) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
    ],
)
def test_images_of_everything_that_makes_pods(group: str, kind: str, value: Any) -> None:
    """All containers, and images that are volumes, each once; of an update those that were not there before."""
    asked = read_review(review(value, kind={"group": group, "version": "v1", "kind": kind}))
    assert ("u-1", {"a", "b", "c", "d"}, 4, False) == (
        asked.uid,
        set(asked.images),
        len(asked.images),
        asked.is_dry_run,
    )
    old = json.loads(json.dumps(value).replace('"b"', '"before"'))
    update = {"operation": "UPDATE", "dryRun": True, "oldObject": old}
    asked = read_review(review(value, kind={"group": group, "version": "v1", "kind": kind}, **update))
    assert (("b",), True) == (asked.images, asked.is_dry_run)


BROKEN = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"{" * 100_000,
    b"[" * 100_000,
    json.dumps({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {}}).encode(),
    json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}).encode(),
    json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": []}).encode(),
    review(pod("a"), uid=""),
    review(pod("a"), uid=7),
    review(pod("a"), uid="u" * 257),
    review(pod("a"), operation="DELETE"),
    review(pod("a"), operation="CONNECT"),
    review(pod("a"), operation=["CREATE"]),
    review(pod("a"), dryRun="false"),
    review(pod("a"), kind="Pod"),
    review(pod("a"), kind=None),
    review(pod("a"), kind={"group": "apps", "kind": "Pod"}),
    review(pod("a"), kind={"group": [], "kind": {}}),
    review(pod("a"), kind={"group": "autoscaling", "version": "v1", "kind": "Scale"}),
    review(None),
    review("pod"),
    review({}),
    review({"spec": None}),
    review({"spec": {}}),
    review({"spec": {"containers": None}}),
    review({"spec": {"containers": []}}),
    review({"spec": {"containers": {"name": "a"}}}),
    review({"spec": {"containers": ["a"]}}),
    review({"spec": {"containers": [{"name": "a"}]}}),
    review({"spec": {"containers": [{"image": ""}]}}),
    review({"spec": {"containers": [{"image": ["a"]}]}}),
    review({"spec": {"containers": [{"image": "a"}], "initContainers": {"image": "b"}}}),
    review({"spec": {"containers": [{"image": "a"}], "ephemeralContainers": [None]}}),
    review({"spec": {"containers": [{"image": "a"}], "volumes": [{"image": {}}]}}),
    review({"spec": {"containers": [{"image": "a"}], "volumes": [{"image": "b"}]}}),
    review(pod("a"), operation="UPDATE", oldObject=None),
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_can_not_be_read_is_an_error(body: bytes) -> None:
    """No broken body is a request without images."""
    with pytest.raises(ReviewError):
        read_review(body)


def test_one_image_that_may_not_run_is_enough() -> None:
    """The answer has the uid as it came, the worst first, and messages that Kubernetes does not cut."""
    uid = '"\ud800\u202e'
    fine = ImageRuling(image="a", answer=Answer.PASS, is_allowed=True)
    warned = [ImageRuling(image="b", answer=Answer.UNKNOWN, is_allowed=True, message="b" * 900)] * 20
    denied = [ImageRuling(image="c", answer=Answer.UNKNOWN, is_allowed=False, message="c" * 900)]
    bad = ImageRuling(image="d", answer=Answer.FAIL, is_allowed=False, message="d: 1 critical\n\x1b[2J", digest="x")
    assert {"uid": uid, "allowed": True} == write_review(uid, [])["response"]
    response = json.loads(json.dumps(write_review(uid, [fine, *warned])))["response"]
    assert (uid, True, [250] * 10) == (response["uid"], response["allowed"], [len(one) for one in response["warnings"]])
    response = write_review(uid, [fine, *warned, *denied, bad])["response"]
    assert (False, 403, "fail") == (
        response["allowed"],
        response["status"]["code"],
        response["auditAnnotations"]["verdict"],
    )
    message = response["status"]["message"]
    assert message.startswith("d: 1 critical [2J; ccc")
    assert len(message) < 1025
    empty = ImageRuling(image="e", answer=Answer.FAIL, is_allowed=False)
    assert not write_review(uid, [fine, empty])["response"]["allowed"]
