"""Budgets of tokens: what the headers report, what is charged, to whom, and what comes after."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx

from .access import SPOOFED
from .case import (
    FailedError,
    SkippedError,
    case,
    destructive,
    expect,
    require,
    second_key,
    shown,
)
from .gateway import NO_KEY, Gateway, tokens

QUOTAS = "Quotas"
_MOST = 40_000
"""Tokens that a destructive case may burn."""
_SETTLED = 0.5
"""Seconds in which an answer is charged, also on a busy machine."""


@dataclass(frozen=True)
class Budget:
    """What an answer reports of its client's budget.

    Attributes:
        limit: tokens a window.
        window: seconds; 0 where the answer does not report it.
        remaining: tokens that were left before this request was charged.
        reset: seconds to the end of the window; None where the answer does not report it.
    """

    limit: int
    window: int
    remaining: int
    reset: int | None


def budget(headers: Mapping[str, str]) -> Budget | None:
    """The budget in an answer's headers.

    Envoy's (the draft of RateLimit headers, version 3: ``100, 100;w=3600``), or OpenAI's, whose
    names end in ``-tokens``. None without either.
    """
    for suffix in ("", "-tokens"):
        limit, remaining = (
            headers.get(f"x-ratelimit-{name}{suffix}", "") for name in ("limit", "remaining")
        )
        if limit and remaining.isdecimal():
            number = re.match(r"\d+", limit)
            window = re.search(rf"\b{number[0]};w=(\d+)", limit) if number else None
            reset = headers.get(f"x-ratelimit-reset{suffix}", "")
            return Budget(
                int(number[0]) if number else 0,
                int(window[1]) if window else 0,
                int(remaining),
                int(reset) if reset.isdecimal() else None,
            )
    return None


def announced(gateway: Gateway) -> str:
    """A budget in the headers, or the promise of one."""
    if gateway.target.quota or budget(gateway.ask().headers):
        return ""
    return "answers have no x-ratelimit headers, and --quota is not given"


def _ask(gateway: Gateway, key: str = "") -> tuple[Budget, int]:
    """The budget that a completion found, and what it costs."""
    answer = gateway.ask(key=key)
    expect(answer, 200)
    found = budget(answer.headers)
    if not found:
        raise FailedError("an answer has no x-ratelimit-limit and x-ratelimit-remaining")
    return found, cost(gateway, *tokens(answer)[:2])


def cost(gateway: Gateway, prompt: int, completion: int) -> int:
    """What tokens cost."""
    each = gateway.target.weights
    return prompt * each[0] + completion * each[1]


def charged(gateway: Gateway, spend: Callable[[], int], key: str = "") -> str:
    """Fails unless a budget goes down by exactly what was spent.

    Args:
        gateway: who charges.
        spend: makes requests and returns what they must cost this budget.
        key: whose budget.
    """
    # A charge follows its answer: that of the case before may be under way.
    time.sleep(_SETTLED)
    first, expected = _ask(gateway, key)
    expected += spend()
    for _ in range(6):
        time.sleep(_SETTLED)
        now, more = _ask(gateway, key)
        if now.remaining > first.remaining:
            raise SkippedError("the window ended during this case; run the case again")
        taken = first.remaining - now.remaining
        if taken == expected:
            return f"{taken} tokens were charged"
        expected += more
    raise FailedError(f"{taken} tokens were charged, but {expected - more} were used")


@case(
    QUOTAS,
    "quota-announced",
    "An answer reports the remaining budget.",
    "A 200 has x-ratelimit-limit, -remaining and -reset; the remainder is within the limit.",
    announced,
)
def _announced(gateway: Gateway) -> str:
    found, _ = _ask(gateway)
    require(0 <= found.remaining <= found.limit, f"the budget is {found}")
    require(found.reset is not None, "there is no x-ratelimit-reset")
    return f"{found.remaining:,} of {found.limit:,} tokens are left"


@case(
    QUOTAS,
    "quota-promised",
    "The budget is the one that was promised.",
    "The limit and its window are those of --quota.",
    lambda gateway: "" if gateway.target.quota else "needs --quota",
)
def _promised(gateway: Gateway) -> str:
    found, _ = _ask(gateway)
    told = f"{found.limit:,} tokens in {found.window:,} s"
    limit, window = gateway.target.quota or (0, 0)
    wanted = f"expected {limit:,} in {window:,} s"
    require((found.limit, found.window) == (limit, window), f"{told}; {wanted}")
    return told


@case(
    QUOTAS,
    "quota-window",
    "The window ends at the time that the answer states.",
    "x-ratelimit-reset is between 0 and the window, and decreases by the seconds that pass.",
    announced,
)
def _window(gateway: Gateway) -> str:
    first, _ = _ask(gateway)
    if not first.window or first.reset is None:
        raise SkippedError("the headers do not state the window in seconds")
    require(0 <= first.reset <= first.window, f"{first.reset} s of {first.window} s are left")
    time.sleep(2)
    then, _ = _ask(gateway)
    passed = (first.reset - (then.reset or 0)) % first.window
    require(
        1 <= passed <= 10, f"x-ratelimit-reset is {first.reset} s, and 2 s later {then.reset} s"
    )
    return f"{then.reset:,} of {then.window:,} s are left"


def _stream_cost(gateway: Gateway) -> int:
    usage = gateway.stream(stream_options={"include_usage": True}, max_tokens=9).usage
    return cost(gateway, usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))


@case(
    QUOTAS,
    "quota-charged",
    "A completion is charged exactly its token usage.",
    "The remainder decreases by the usage of the answers, with the weights of --charge.",
    announced,
)
def _charged(gateway: Gateway) -> str:
    def spend() -> int:
        return cost(gateway, *tokens(gateway.ask(max_tokens=9))[:2])

    return charged(gateway, spend)


@case(
    QUOTAS,
    "quota-charged-stream",
    "A stream is charged its token usage.",
    "The remainder decreases by the usage that the stream reports.",
    announced,
)
def _charged_stream(gateway: Gateway) -> str:
    return charged(gateway, partial(_stream_cost, gateway))


@case(
    QUOTAS,
    "quota-charged-silent",
    "A stream without a request for its token usage is charged as well.",
    "The remainder decreases by the cost of the same stream with include_usage.",
    announced,
)
def _charged_silent(gateway: Gateway) -> str:
    def spend() -> int:
        gateway.stream(max_tokens=9)
        # At temperature 0 both are of the same length.
        return 2 * _stream_cost(gateway)

    return charged(gateway, spend)


@case(
    QUOTAS,
    "quota-errors-free",
    "A denied or rejected request costs nothing.",
    "A wrong key, an unknown model and malformed JSON do not change the remainder.",
    announced,
)
def _errors_free(gateway: Gateway) -> str:
    def spend() -> int:
        gateway.ask(key=NO_KEY)
        gateway.ask(model="no-such-model-anywhere")
        gateway.ask(content=b"{")
        return 0

    return charged(gateway, spend)


@case(
    QUOTAS,
    "quota-own",
    "Each client has its own budget.",
    "Requests with the first key do not reduce the second key's budget.",
    announced,
    second_key,
)
def _own(gateway: Gateway) -> str:
    def spend() -> int:
        gateway.ask(max_tokens=16)
        return 0

    return charged(gateway, spend, gateway.target.second_key)


@case(
    QUOTAS,
    "quota-not-spoofed",
    "A client cannot charge its tokens to another client.",
    "A completion with forged headers is charged to its own key.",
    announced,
)
def _not_spoofed(gateway: Gateway) -> str:
    def spend() -> int:
        return cost(gateway, *tokens(gateway.ask(max_tokens=9, headers=SPOOFED))[:2])

    return charged(gateway, spend)


# --- when it is used up -------------------------------------------------------------------------


def _exhausted(gateway: Gateway) -> httpx.Response:
    """The first answer above the budget, which requests use up unless it is already."""
    burnt = 0
    while burnt <= _MOST:
        answer = gateway.ask(max_tokens=2048)
        if answer.status_code == 429:
            return answer
        expect(answer, 200)
        found = budget(answer.headers)
        if found and found.remaining - burnt > _MOST:
            raise SkippedError(
                f"{found.remaining:,} tokens are left, but this case uses at most {_MOST:,}; pass "
                "a key with a smaller budget"
            )
        burnt += cost(gateway, *tokens(answer)[:2])
        time.sleep(_SETTLED)
    raise FailedError(f"{burnt:,} tokens were used, but the next request is still answered")


@case(
    QUOTAS,
    "quota-used-up",
    "Above its budget, a client gets 429 and the time to retry.",
    f"Requests use up to {_MOST:,} tokens, until one is 429 with x-ratelimit-reset or Retry-After.",
    announced,
    destructive,
)
def _used_up(gateway: Gateway) -> str:
    answer = _exhausted(gateway)
    when = [answer.headers.get(name) for name in ("retry-after", "x-ratelimit-reset")]
    require(any(when), f"{shown(answer)}, but no header states when to retry")
    return f"{shown(answer)}; retry in {next(filter(None, when))} s"


@case(
    QUOTAS,
    "quota-used-up-spoofed",
    "Above its budget, a client cannot get answers with forged headers.",
    "With forged headers, and as a stream, the status is also 429.",
    announced,
    destructive,
)
def _used_up_spoofed(gateway: Gateway) -> str:
    _exhausted(gateway)
    expect(gateway.ask(headers=SPOOFED), 429)
    return expect(gateway.ask(stream=True), 429)


@case(
    QUOTAS,
    "quota-used-up-others",
    "A client with a remaining budget is answered while another has none.",
    "After the first key's budget is used up, the second key gets 200.",
    announced,
    destructive,
    second_key,
)
def _used_up_others(gateway: Gateway) -> str:
    _exhausted(gateway)
    return expect(gateway.ask(key=gateway.target.second_key), 200)
