"""What a case is, and the words in which it decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from ..bench.simulate import RECEIVED
from .gateway import Gateway

Need = Callable[[Gateway], str]
"""Why a case can't be decided with a gateway; ``""`` where it can."""


class FailedError(Exception):
    """The gateway does not keep a promise; the message states what it did."""


class SkippedError(Exception):
    """A case can't be decided; the message states why."""


@dataclass(frozen=True)
class Case:
    """One promise.

    Attributes:
        code: its name, for ``--only`` and ``--skip``.
        group: what it is about.
        proves: the promise.
        decided: how it is decided.
        decide: looks at the gateway and returns what was found; raises :class:`FailedError` or
            :class:`SkippedError`.
        needs: what has to be there.
    """

    code: str
    group: str
    proves: str
    decided: str
    decide: Callable[[Gateway], str]
    needs: tuple[Need, ...] = ()


CASES: list[Case] = []
"""Every case, in the order in which they run."""


def case(
    group: str, code: str, proves: str, decided: str, *needs: Need
) -> Callable[[Callable[[Gateway], str]], Callable[[Gateway], str]]:
    """Adds a function to the cases."""

    def add(decide: Callable[[Gateway], str]) -> Callable[[Gateway], str]:
        CASES.append(Case(code, group, proves, decided, decide, needs))
        return decide

    return add


# --- what a case needs --------------------------------------------------------------------------


def http2(gateway: Gateway) -> str:
    """HTTP/2, over TLS or with prior knowledge."""
    return "" if gateway.http2 else "the gateway does not speak HTTP/2"


def second_key(gateway: Gateway) -> str:
    """A key of another client."""
    return "" if gateway.target.second_key else "this case needs the key of a second client"


def destructive(gateway: Gateway) -> str:
    """The permission to use up the key's budget."""
    return (
        ""
        if gateway.target.destructive
        else "this case uses up quota; to run it, pass --destructive"
    )


def bearer(gateway: Gateway) -> str:
    """Keys in ``Authorization``."""
    plain = gateway.target.key_header.lower() == "authorization"
    return "" if plain else f"keys are in {gateway.target.key_header}, without a scheme"


def received(gateway: Gateway) -> str:
    """An engine that reports which headers it received."""
    if gateway.received is not None:
        return ""
    return (
        f"no answer has the header {RECEIVED}, which `dsv4deploy bench simulate` behind the "
        "gateway sends"
    )


# --- how it decides -----------------------------------------------------------------------------


def shown(answer: httpx.Response) -> str:
    """An answer on one line."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    text = re.sub(r"\s+", " ", answer.text).strip()
    text = f"{text[:157]}…" if len(text) > 160 else text
    parts = ", ".join(filter(None, (f"HTTP {answer.status_code}", kind)))
    return f"{parts}: {text}" if text else f"{parts}, without a body"


def require(condition: object, message: str) -> None:
    """Fails the case with a message unless a condition holds."""
    if not condition:
        raise FailedError(message)


def expect(answer: httpx.Response, *statuses: int) -> str:
    """Fails unless an answer has one of these statuses; what it is, on one line."""
    if answer.status_code not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise FailedError(f"{shown(answer)}; expected {wanted}")
    return shown(answer)


def expect_rejected(answer: httpx.Response) -> str:
    """Fails unless the request was at fault (400 to 499) and the answer shows it."""
    require(400 <= answer.status_code < 500, f"{shown(answer)}; expected 400 to 499")
    return shown(answer)


def answered(gateway: Gateway) -> str:
    """Fails unless an ordinary request is answered, such as after one that was not ordinary."""
    return expect(gateway.ask(), 200)
