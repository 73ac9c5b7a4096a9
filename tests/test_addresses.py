"""The URL at which clients reach a deployment."""

from __future__ import annotations

import json
import shlex
from typing import Any, cast

import pytest

from dsv4deploy import Release, load, render
from dsv4deploy.cli.status import print_endpoints
from dsv4deploy.cluster.addresses import Endpoint, address, endpoint
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
    with pytest.raises(ClusterError, match="has no address: pass --url"):
        url(OneGateway([HTTP]), "maas", PLAIN)


def parts(text: str) -> tuple[str, dict[str, Any], list[str]]:
    """The URL, the request and the headers of a curl, as a shell would hand them on."""
    program, address, *words = shlex.split(text.replace("\\\n", ""))
    assert program == "curl"
    pairs = list(zip(words[::2], words[1::2], strict=True))
    (body,) = [json.loads(word) for option, word in pairs if option == "-d"]
    return address, body, [word for option, word in pairs if option == "-H"]


def reached(ingress: str, *addresses: str, **values: Any) -> Endpoint | None:
    cluster = OneGateway([HTTP, {**HTTPS, "hostname": "maas.example.com"}], *addresses)
    objects = render(load({"name": "chat", **values}), Release(namespace="prod"))
    return endpoint(cast(Cluster, cluster), objects, ingress)


def test_kserve_s_ingress_is_asked_without_a_key() -> None:
    found = reached("kserve", "10.0.0.1", model={"name": "it's a model"})
    assert found == Endpoint("http://10.0.0.1:80/prod/chat/v1", "it's a model")
    address, body, headers = parts(found.curl)
    assert address == f"http://10.0.0.1:80/prod/chat{CHAT}"
    assert (body["model"], body["max_tokens"]) == ("it's a model", 64)
    assert headers == ["Content-Type: application/json"]


def test_the_maas_ingress_is_asked_with_a_key_of_its_secret() -> None:
    found = reached("maas", "10.0.0.1", maas={"enabled": True})
    assert found
    assert (found.url, found.keys) == ("http://10.0.0.1:80/v1", "Secret maas-system/maas-api-keys")
    assert "Authorization: Bearer $API_KEY" in parts(found.curl)[2]
    secure = reached("maas", "10.0.0.1", maas={"enabled": True, "gateway": TLS})
    assert secure
    assert secure.url == "https://maas.example.com:443/v1"
    other = reached("maas", "10.0.0.1", maas={"enabled": True, "gateway": {"create": False}})
    assert other
    assert other.keys == "those of the deployment that creates Gateway maas-system/maas"


def test_what_a_deployment_has_not_got_is_not_shown() -> None:
    assert reached("maas", "10.0.0.1") is None
    assert endpoint(cast(Cluster, OneGateway([HTTP], "10.0.0.1")), [], "kserve") is None


def test_a_gateway_without_an_address_is_told_after_all(capsys: pytest.CaptureFixture[str]) -> None:
    objects = render(load({"name": "chat"}))
    print_endpoints(cast(Cluster, OneGateway([HTTP])), objects)
    told = capsys.readouterr()
    assert told.out == ""
    assert (
        "the URL of the kserve ingress is unknown: Gateway kserve/kserve-ingress-gateway has no"
        in told.err
    )
    print_endpoints(cast(Cluster, OneGateway([HTTP], "10.0.0.1")), objects)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "kserve ingress, http://10.0.0.1:80/demo/chat/v1",
        "  model: gdydems/DeepSeek-V4-Flash-w4a8-mtp",
        "  key: not required",
    ]
    assert lines[4].startswith("  curl http://10.0.0.1:80/demo/chat/v1/chat/completions \\")
