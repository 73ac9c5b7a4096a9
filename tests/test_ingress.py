"""The URL at which clients reach a deployment."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dsv4deploy import Release, load
from dsv4deploy.cluster import Cluster
from dsv4deploy.errors import ClusterError
from dsv4deploy.ingress import address

HTTP, HTTPS = {"protocol": "HTTP", "port": 80}, {"protocol": "HTTPS", "port": 443}
CHAT = "/v1/chat/completions"
PLAIN: dict[str, Any] = {}
TLS = {"tls": {"enabled": True}, "hostname": "maas.example.com"}
ANY = {"tls": {"enabled": True}, "hostname": "*.example.com"}


class OneGateway:
    """A cluster with this Gateway; it keeps what it was asked for."""

    def __init__(self, listeners: list[Any], *addresses: str) -> None:
        self.asked: tuple[str, ...] = ()
        status = {"addresses": [{"value": each} for each in addresses]}
        self._gateway = {"spec": {"listeners": listeners}, "status": status}

    def get(self, _: str, *words: str) -> dict[str, Any]:
        self.asked = words
        return self._gateway


def url(cluster: OneGateway, ingress: str, gateway: dict[str, Any]) -> str:
    values = load({"name": "chat", "maas": {"gateway": gateway}})
    return address(cast(Cluster, cluster), values, Release(namespace="prod"), ingress)


@pytest.mark.parametrize(
    ("ingress", "gateway", "told"),
    [
        ("kserve", PLAIN, f"http://10.0.0.1:80/prod/chat{CHAT}"),
        ("kserve", TLS, f"http://10.0.0.1:80/prod/chat{CHAT}"),
        ("maas", PLAIN, f"http://10.0.0.1:80{CHAT}"),
        ("maas", TLS, f"https://maas.example.com:443{CHAT}"),
        ("maas", ANY, f"https://10.0.0.1:443{CHAT}"),
    ],
)
def test_an_ingress_has_its_url(ingress: str, gateway: dict[str, Any], told: str) -> None:
    cluster = OneGateway([HTTP, HTTPS], "10.0.0.1")
    assert url(cluster, ingress, gateway) == told
    places = {"kserve": ("kserve", "kserve-ingress-gateway"), "maas": ("maas-system", "maas")}
    assert cluster.asked == ("Gateway", *reversed(places[ingress]))


def test_an_ingress_of_tls_alone_is_reached_by_it() -> None:
    assert url(OneGateway([HTTPS], "10.0.0.1"), "kserve", PLAIN).startswith("https://10.0.0.1:443/")


def test_without_an_address_it_is_said_what_to_do() -> None:
    with pytest.raises(ClusterError, match="has no address: give --url"):
        url(OneGateway([HTTP]), "maas", PLAIN)
