"""What is reported where the API server refuses a request."""

from __future__ import annotations

import pytest
from api_server import Answer, Serve, refusal

from dsv4deploy.errors import ClusterError

FIELDS = [
    {"reason": "FieldManagerConflict", "field": ".spec.replicas", "message": 'with "helm"'},
]


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (refusal(401, "Unauthorized", "Unauthorized"), "Unauthorized", "log in again"),
        (
            refusal(403, "Forbidden", 'User "x" cannot list resource "secrets" in API group ""'),
            "Forbidden",
            "ask an administrator for this permission",
        ),
        (
            refusal(403, "Forbidden", 'User "x" cannot get path "/version"'),
            "Forbidden",
            "ask an administrator for this permission",
        ),
        (refusal(403, "Forbidden", "pod is forbidden: no"), "Forbidden", "forbidden: no$"),
        (
            refusal(403, "Forbidden", 'violates PodSecurity "x"'),
            "Denied",
            "enforce to a level that admits it$",
        ),
        (
            refusal(403, "Forbidden", 'admission webhook "x" denied the request: cannot be root'),
            "Denied",
            "cannot be root; change the field that the cluster's webhook names",
        ),
        (refusal(403, "Forbidden", "exceeded quota: small"), "Denied", "larger quota$"),
        (refusal(403, "Forbidden", "n is being terminated"), "Denied", "until the namespace"),
        (refusal(404, "NotFound", "gone"), "NotFound", "gone"),
        (refusal(409, "Conflict", "clash", causes=FIELDS), "Conflict", r'replicas \(with "helm"\)'),
        (refusal(409, "Conflict", "modified"), "Stale", "try again"),
        (refusal(409, "AlreadyExists", "there"), "AlreadyExists", "there"),
        (refusal(422, "Invalid", "bad field"), "Invalid", "bad field"),
        (refusal(400, "BadRequest", "container main is waiting"), "BadRequest", "is waiting"),
        (refusal(410, "Expired", "too old resource version"), "Refused", "too old"),
        (
            refusal(500, "InternalError", "failed calling webhook x: refused"),
            "WebhookDown",
            "check its pods",
        ),
    ],
)
def test_a_refusal_is_told_in_words_and_not_tried_again(
    serve: Serve, answer: Answer, reason: str, told: str
) -> None:
    cluster, asked, pauses = serve(answer)
    with pytest.raises(ClusterError, match=told) as error:
        cluster.request("PATCH", "/api/v1/x", body={})
    assert error.value.reason == reason
    assert (len(asked), pauses, cluster.writes) == (1, [], 0)
