"""``dsv4deploy conformance``: whether a gateway keeps what clients may expect of it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..completion.stream import KEY
from ..errors import DeployError
from ..values.quantities import whole
from ..writing import write_files
from .options import FORMAT, Seconds, gathered
from .output import print_json, print_sentence, print_table, say

SECOND_KEY = "DSV4DEPLOY_SECOND_API_KEY"
_FILE = click.Path(path_type=Path, dir_okay=False)
_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}


def _quota(context: click.Context, option: click.Parameter, text: str) -> tuple[int, int] | None:
    number, _, unit = text.partition("/")
    tokens, seconds = whole(number), _UNITS.get(unit.lower())
    if not text:
        return None
    if not tokens or not seconds:
        raise click.BadParameter(f"must be TOKENS/UNIT, with a unit of {', '.join(_UNITS)}")
    return tokens, seconds


def _weights(context: click.Context, option: click.Parameter, text: str) -> tuple[int, int]:
    if not re.fullmatch(r"\d{1,6}:\d{1,6}", text):
        raise click.BadParameter("must be two whole numbers, such as 1:4")
    prompt, _, answer = text.partition(":")
    return int(prompt), int(answer)


def _fields(context: click.Context, option: click.Parameter, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter("must be a JSON object")
    return found


def _key(file: Path | None, variable: str) -> str:
    """A key out of a file, or of the environment; ``""`` without either."""
    try:
        key = file.read_text("utf-8").strip() if file else os.environ.get(variable, "")
    except UnicodeDecodeError:
        key = " "
    if not re.fullmatch("[!-~]*", key):
        raise DeployError(
            f"{file or variable}: the key contains whitespace or non-ASCII characters; provide the "
            "bare key, as `keys create` printed it"
        )
    return key


@dataclass(frozen=True)
class ConformanceOptions:
    """What is tested, what is expected and where the reports go; see the options' help."""

    url: str
    model: str
    key_file: Path | None
    second_key_file: Path | None
    key_header: str
    denial: str
    body: Mapping[str, Any]
    quota: tuple[int, int] | None
    charge: tuple[int, int]
    max_request: int | None
    receive_timeout: float | None
    parallel: int
    blocked_prompt: str
    json_errors: bool
    destructive: bool
    timeout: float
    ca_file: Path | None
    insecure: bool
    only: tuple[str, ...]
    skip: tuple[str, ...]

    def __post_init__(self) -> None:
        """Rejects what is no URL of a gateway."""
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", self.url):
            raise click.UsageError("--url must be http://HOST[:PORT]/v1")
        if self.ca_file and (self.insecure or not self.url.startswith("https:")):
            raise click.UsageError("--ca-file needs an https URL, and excludes --insecure")

    @property
    def base(self) -> str:
        """The URL up to and with ``/v1``."""
        url = self.url.rstrip("/").removesuffix("/chat/completions")
        return f"{url.removesuffix('/v1')}/v1"


@click.command()
@gathered(
    ConformanceOptions,
    "options",
    click.option("--url", required=True, help="The gateway's URL, such as http://maas.site/v1."),
    click.option(
        "--model", default="", help="The model to request; by default, the first of /v1/models."
    ),
    click.option(
        "--key-file",
        type=_FILE,
        help="A file that contains the API key, instead of the variable DSV4DEPLOY_API_KEY.",
    ),
    click.option(
        "--second-key-file",
        type=_FILE,
        help="A file that contains another client's key, instead of DSV4DEPLOY_SECOND_API_KEY.",
    ),
    click.option(
        "--key-header",
        default="Authorization",
        show_default=True,
        metavar="NAME",
        help="The header for the key. Authorization gets the prefix Bearer, other headers do not.",
    ),
    click.option(
        "--denial",
        type=click.Choice(["401", "403"]),
        default="401",
        show_default=True,
        help="The expected status of a request without a valid key.",
    ),
    click.option(
        "--body",
        default="{}",
        callback=_fields,
        metavar="JSON",
        help="Fields to add to the body of every completion.",
    ),
    click.option(
        "--quota",
        default="",
        callback=_quota,
        metavar="TOKENS/UNIT",
        help="The token budget of each key, such as 100000/hour.",
    ),
    click.option(
        "--charge",
        default="1:1",
        show_default=True,
        callback=_weights,
        metavar="IN:OUT",
        help="The cost of a token in a prompt and in an answer; 0:1 charges answers only.",
    ),
    click.option(
        "--max-request",
        type=click.IntRange(100_000, 100_000_000),
        metavar="BYTES",
        help="The size of the largest request that the gateway must accept.",
    ),
    click.option(
        "--receive-timeout",
        type=Seconds(1, 600),
        metavar="DURATION",
        help="The time that the gateway gives a client to send its request.",
    ),
    click.option(
        "--parallel",
        type=click.IntRange(1, 64),
        default=4,
        show_default=True,
        help="The number of concurrent streams.",
    ),
    click.option(
        "--blocked-prompt",
        default="",
        metavar="TEXT",
        help="A prompt that the guardrails must block.",
    ),
    click.option("--json-errors", is_flag=True, help="Require every error response to be JSON."),
    click.option(
        "--destructive",
        is_flag=True,
        help="Also use up the budget of the first key, and keep a stream open for a minute.",
    ),
    click.option(
        "--timeout",
        type=Seconds(1),
        default=60.0,
        show_default=True,
        metavar="DURATION",
        help="The time to wait for the next byte.",
    ),
    click.option(
        "--ca-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A PEM file of the authorities to trust, instead of the system's.",
    ),
    click.option("--insecure", is_flag=True, help="Do not verify the gateway's certificate."),
    click.option("--only", multiple=True, metavar="CASE", help="Run only this case or group."),
    click.option("--skip", multiple=True, metavar="CASE", help="Skip this case or group."),
)
@click.option("--list", "listed", is_flag=True, help="List the cases without sending requests.")
@click.option("--junit", type=_FILE, help="Write a report in JUnit XML, for CI.")
@click.option("--page", type=_FILE, help="Write a self-contained HTML page.")
@FORMAT
def conformance(
    options: ConformanceOptions, listed: bool, junit: Path | None, page: Path | None, output: str
) -> None:
    """Test whether a gateway behaves as clients of the OpenAI API expect.

    The command works with any OpenAI-compatible gateway. It sends small requests, one after the
    other. Use a key that no other client uses, because the command compares budgets before and
    after a request. It exits with 1 if a case fails.
    """
    try:
        import h2  # noqa: F401 - httpx asks for it only when it speaks HTTP/2

        from ..conformance.gateway import Target
        from ..conformance.suite import Outcome, Result, chosen, first_model, run
    except ModuleNotFoundError as error:
        raise DeployError(
            f"this command needs the Python package {error.name}; run "
            "`pip install 'dsv4deploy[conformance]'`"
        ) from None
    cases = chosen(options.only, options.skip)
    if listed:
        print_table(
            ["CASE", "GROUP", "PROVES"],
            [(each.code, each.group, each.proves) for each in cases],
            sentences=True,
        )
        return
    key = _key(options.key_file, KEY)
    if not key:
        raise DeployError(f"an API key is required; set {KEY}, or pass --key-file")
    target = Target(
        url=options.base,
        model=options.model,
        key=key,
        second_key=_key(options.second_key_file, SECOND_KEY),
        key_header=options.key_header,
        denial=int(options.denial),
        body=options.body,
        quota=options.quota,
        weights=options.charge,
        max_request=options.max_request,
        receive_timeout=options.receive_timeout,
        parallel=options.parallel,
        blocked_prompt=options.blocked_prompt,
        json_errors=options.json_errors,
        destructive=options.destructive,
        timeout=options.timeout,
        verify=not options.insecure,
        authority=str(options.ca_file or ""),
    )
    if not target.model:
        target = replace(target, model=first_model(target))
    marks = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.SKIPPED: "skipped"}

    def tell(result: Result) -> None:
        if output == "table":
            print_sentence(f"{marks[result.outcome]:8}{result.case.code}: {result.found}")

    report = run(target, cases, tell)
    pages = {junit: report.junit, page: report.html}
    write_files({path: text() for path, text in pages.items() if path})
    if output == "json":
        print_json(report.data())
    say(report.sentence)
    if not report.ok:
        sys.exit(1)
