"""A run of the suite, and its report: plain data, JUnit's XML, or one self-contained page."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import httpx
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from ..bench.simulate import MODELS
from ..errors import DeployError, nearest
from . import access, answers, quotas, requests
from .case import CASES, Case, FailedError, SkippedError
from .gateway import Gateway, Target

__all__ = ["CASES", "Outcome", "Report", "Result", "run"]

# The order of the imports is not the order of the cases, since a linter sorts them.
_GROUPS = (
    *(access.KEYS, access.IDENTITY, access.ENGINE),
    *(answers.LIST, answers.COMPLETION, answers.STREAM),
    *(requests.LONG, requests.MALFORMED, requests.ERRORS),
    quotas.QUOTAS,
)
CASES.sort(key=lambda case: _GROUPS.index(case.group))


class Outcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One case, decided.

    Attributes:
        case: which.
        outcome: what became of it.
        found: what the gateway did, or why nothing was decided; without keys.
        seconds: how long it took.
    """

    case: Case
    outcome: Outcome
    found: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """A run.

    Attributes:
        url: of the gateway.
        model: the one that was asked.
        results: one for each case that was chosen.
        requests: how many requests were sent.
        tokens: how many tokens the answers reported.
    """

    url: str
    model: str
    results: tuple[Result, ...]
    requests: int
    tokens: int

    @property
    def counts(self) -> dict[str, int]:
        """The number of cases by outcome."""
        found = Counter(result.outcome for result in self.results)
        return {outcome.value: found[outcome] for outcome in Outcome}

    @property
    def sentence(self) -> str:
        """The result on one line."""
        counts = ", ".join(f"{number} {name}" for name, number in self.counts.items())
        return f"{counts}; {self.requests} requests, {self.tokens:,} tokens"

    @property
    def ok(self) -> bool:
        """Whether no case has failed."""
        return not self.counts["failed"]

    @property
    def groups(self) -> list[tuple[str, list[Result]]]:
        """The results by what they are about."""
        return [
            (name, list(several))
            for name, several in groupby(self.results, key=lambda each: each.case.group)
        ]

    def data(self) -> dict[str, Any]:
        """Plain data, for ``-o json``."""
        return {
            "url": self.url,
            "model": self.model,
            "ok": self.ok,
            **self.counts,
            "requests": self.requests,
            "tokens": self.tokens,
            "cases": [
                {
                    "code": each.case.code,
                    "group": each.case.group,
                    "proves": each.case.proves,
                    "decided": each.case.decided,
                    "outcome": each.outcome.value,
                    "found": each.found,
                    "seconds": round(each.seconds, 3),
                }
                for each in self.results
            ],
        }

    def junit(self) -> str:
        """JUnit's XML, as CI servers read it: a test suite for each group."""
        counts = {"tests": len(self.results), "failures": self.counts["failed"]}
        root = Element("testsuites", _texts(name="conformance", **counts))
        for name, results in self.groups:
            outcomes = Counter(each.outcome for each in results)
            suite = SubElement(
                root,
                "testsuite",
                _texts(
                    name=name,
                    tests=len(results),
                    failures=outcomes[Outcome.FAILED],
                    skipped=outcomes[Outcome.SKIPPED],
                    time=f"{sum(each.seconds for each in results):.3f}",
                ),
            )
            for each in results:
                told = _texts(name=each.case.code, classname=name, time=f"{each.seconds:.3f}")
                case = SubElement(suite, "testcase", told)
                if each.outcome is Outcome.PASSED:
                    SubElement(case, "system-out").text = _xml(each.found)
                    continue
                tag = "failure" if each.outcome is Outcome.FAILED else "skipped"
                outcome = SubElement(case, tag, _texts(message=each.found))
                outcome.text = f"{each.case.proves} {each.case.decided}"
        indent(root)
        return tostring(root, encoding="unicode", xml_declaration=True) + "\n"

    def html(self) -> str:
        """One page that needs nothing else."""
        pages = Environment(
            loader=ChoiceLoader(
                [
                    PackageLoader("dsv4deploy.conformance", "pages"),
                    PackageLoader("dsv4deploy.bench", "pages"),
                ]
            ),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        return pages.get_template("conformance.html").render(report=self, Outcome=Outcome)


def _texts(**attributes: object) -> dict[str, str]:
    return {name: _xml(str(value)) for name, value in attributes.items()}


def _xml(text: str) -> str:
    """Text without the characters that XML does not have."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def chosen(only: Collection[str] = (), skip: Collection[str] = ()) -> list[Case]:
    """The cases of these codes or groups, or all, without some.

    Raises:
        DeployError: there is no such case.
    """
    known = {each.code for each in CASES} | {each.group for each in CASES}
    for name in (*only, *skip):
        if name not in known:
            raise DeployError(f"there is no case {name}{nearest(name, known)}")
    return [
        case
        for case in CASES
        if (not only or {case.code, case.group} & set(only))
        and not {case.code, case.group} & set(skip)
    ]


def first_model(target: Target) -> str:
    """The first model of the gateway's list.

    Raises:
        DeployError: the gateway does not list any.
    """
    gateway = Gateway(target)
    try:
        answer = gateway.ask(MODELS, method="GET")
        names = [str(each["id"]) for each in answer.json()["data"]]
        return names[0]
    except (httpx.HTTPError, OSError) as error:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        hint = ": name its authority's certificate by --ca-file" if untrusted else ""
        raise DeployError(f"{target.url}: no answer: {error}{hint}") from None
    except (LookupError, TypeError, ValueError):
        raise DeployError(
            f"{target.url}/models: HTTP {answer.status_code}, and no list of models; pass --model"
        ) from None
    finally:
        gateway.close()


def run(
    target: Target, cases: Collection[Case], tell: Callable[[Result], None] = lambda _: None
) -> Report:
    """Decides cases, one after the other.

    Args:
        target: what is tested.
        cases: which cases.
        tell: receives each result.
    """
    gateway = Gateway(target)
    try:
        results = tuple(_results(gateway, cases, tell))
    finally:
        gateway.close()
    return Report(target.url, target.model, results, gateway.requests, gateway.tokens)


def _results(
    gateway: Gateway, cases: Collection[Case], tell: Callable[[Result], None]
) -> Iterator[Result]:
    for case in cases:
        begun = time.monotonic()
        outcome, found = decide(case, gateway)
        seconds = time.monotonic() - begun
        result = Result(case, outcome, gateway.target.hidden(found), seconds)
        tell(result)
        yield result


def decide(case: Case, gateway: Gateway) -> tuple[Outcome, str]:
    """What becomes of a case with a gateway, and why."""
    try:
        for need in case.needs:
            if reason := need(gateway):
                return Outcome.SKIPPED, reason
        return Outcome.PASSED, case.decide(gateway)
    except SkippedError as skipped:
        return Outcome.SKIPPED, str(skipped)
    except FailedError as failed:
        return Outcome.FAILED, str(failed)
    except (httpx.HTTPError, OSError) as error:
        return Outcome.FAILED, f"no answer: {type(error).__name__}: {error}".rstrip(": ")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return (
            Outcome.FAILED,
            f"the answer has an unexpected format: {type(error).__name__}: {error}",
        )
