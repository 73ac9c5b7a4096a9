"""The URL at which clients reach a deployment."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dsv4deploy import Release, load
from dsv4deploy.cluster.addresses import address
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.errors import ClusterError

HTTP, HTTPS = {"protocol": "HTTP", "port": 80}, {"protocol": "HTTPS", "port": 443}
CHAT = "/v1/chat/completions"
PLAIN: dict[str, Any] = {}
TLS = {"tls": {"enabled": True}, "hostname": "maas.example.com"}
NAMED = {"hostname": "maas.example.com"}
ANY = {"tls": {"enabled": True}, "hostname": "*.example.com"}


class OneGateway:
    """A cluster with this Gateway, and KServe's ConfigMap; it keeps what it was asked for last."""

    def __init__(self, listeners: list[Any], *addresses: str, told: str = "") -> None:
        self.asked: tuple[str, ...] = ()
        status = {"addresses": [{"value": each} for each in addresses]}
        self._told = {"data": {"ingress": told}} if told else None
        self._gateway = {"spec": {"listeners": listeners}, "status": status}

    def get(self, _: str, *words: str) -> dict[str, Any] | None:
        self.asked = words
        return self._gateway if words[0] == "Gateway" else self._told


def url(cluster: OneGateway, ingress: str, gateway: dict[str, Any]) -> str:
    values = load({"name": "chat", "maas": {"gateway": gateway}})
    return address(cast(Cluster, cluster), values, Release(namespace="prod"), ingress)


@pytest.mark.parametrize(
    ("ingress", "gateway", "told"),
    [
        ("kserve", PLAIN, f"http://10.0.0.1:80/prod/chat{CHAT}"),
        ("kserve", TLS, f"http://10.0.0.1:80/prod/chat{CHAT}"),
        ("maas", PLAIN, f"http://10.0.0.1:80{CHAT}"),
        ("maas", NAMED, f"http://maas.example.com:80{CHAT}"),
        ("kserve", NAMED, f"http://10.0.0.1:80/prod/chat{CHAT}"),
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


def test_an_address_of_ipv6_is_in_brackets() -> None:
    assert url(OneGateway([HTTP], "fd00::1"), "maas", PLAIN) == f"http://[fd00::1]:80{CHAT}"


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ('{"kserveIngressGateway": "infra/inference"}', ("infra", "inference")),
        ('{"kserveIngressGateway": ""}', ("kserve", "kserve-ingress-gateway")),
        ("{}", ("kserve", "kserve-ingress-gateway")),
    ],
)
def test_kserve_says_which_gateway_is_its_own(told: str, place: tuple[str, str]) -> None:
    cluster = OneGateway([HTTP], "10.0.0.1", told=told)
    assert url(cluster, "kserve", PLAIN).startswith("http://10.0.0.1:80/prod/chat/")
    assert cluster.asked == ("Gateway", *reversed(place))


def test_without_an_address_it_is_said_what_to_do() -> None:
    with pytest.raises(ClusterError, match="has no address: give --url"):
        url(OneGateway([HTTP]), "maas", PLAIN)
