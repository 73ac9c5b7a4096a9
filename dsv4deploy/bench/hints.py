"""What to know of a benchmark before it takes its hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, product

from ..facts.published import Metric, compared_with, row, rows, scenarios
from ..values.gateway import Quota
from ..values.tree import Values
from .prompts import OUTPUT


def published_concurrency(profile: str) -> list[int]:
    """The concurrencies that figures of a profile were published at; 4 where there are none."""
    return sorted({each.concurrency for each in rows() if each.profile == profile}) or [4]


def hints(
    values: Values,
    profile: str,
    ingresses: Sequence[str],
    chosen: Sequence[int],
    concurrency: Sequence[int],
    *,
    requests: int,
    runs: int,
) -> list[str]:
    """What a benchmark will run into, in sentences.

    Args:
        values: the deployment.
        profile: that it is compared with; ``""`` where there is none.
        ingresses: of ``kserve``, ``maas`` and ``direct``.
        chosen: the scenarios.
        concurrency: requests in flight.
        requests: of a run.
        runs: of each scenario, ingress and concurrency.
    """
    found = [
        *_queueing(values, concurrency),
        *_unpublished(profile, ingresses, chosen, concurrency),
    ]
    if "kserve" in ingresses and values.network_policy.enabled:
        among = ", ".join(values.network_policy.from_namespaces) or "none"
        found.append(
            "networkPolicy.enabled blocks KServe's ingress from the engine, unless its proxies run "
            f"in a namespace of networkPolicy.fromNamespaces ({among}); --ingress maas works"
        )
    if "maas" in ingresses:
        found += _quotas(values, profile, chosen, concurrency, requests * runs)
    return found


def _queueing(values: Values, concurrency: Iterable[int]) -> Iterator[str]:
    at_once = values.engine.args.max_num_seqs * values.parallelism.data * values.replicas
    for each in concurrency:
        if each > at_once:
            yield (
                f"concurrency {each} is more than the {at_once} requests that run at once "
                "(max-num-seqs × data parallel × replicas); the others wait, and this time counts "
                "as time to first token"
            )


def _unpublished(
    profile: str, ingresses: Iterable[str], chosen: Iterable[int], concurrency: Iterable[int]
) -> Iterator[str]:
    if not profile:
        yield (
            "no figures were published for these cards, quantization and parallelism, so the "
            "report cannot compare the results"
        )
        return
    for ingress, scenario in product(ingresses, chosen):
        there = [each for each in rows() if (each.profile, each.scenario) == (profile, scenario)]
        at = {each.concurrency for each in there if each.ingress == compared_with(ingress)}
        missing = [str(each) for each in concurrency if each not in at]
        if missing:
            known = " and ".join(
                f"through {name} at {', '.join(str(each.concurrency) for each in same)}"
                for name, same in groupby(there, lambda each: each.ingress)
            )
            yield (
                f"no figures were published for {profile} in scenario {scenario} through {ingress} "
                f"at concurrency {', '.join(missing)}, only {known}, so the report cannot compare "
                "the results"
            )


_SECONDS = {
    "Second": 1,
    "Minute": 60,
    "Hour": 3600,
    "Day": 86_400,
    "Month": 2_592_000,
    "Year": 31_536_000,
}


def _quotas(
    values: Values,
    profile: str,
    chosen: Sequence[int],
    concurrency: Sequence[int],
    requests: int,
) -> Iterator[str]:
    """Budgets that the benchmark spends, at the published speed or in whole."""
    for name, quota in values.maas.quotas.items():
        costs = {scenario: _cost(values, quota, scenario) for scenario in chosen}
        whole = sum(costs.values()) * requests * len(concurrency)
        rates = [
            costs[scenario] * found.figures[Metric.TPS].value / _tokens(scenario)
            for scenario, each in product(chosen, concurrency)
            if (found := row(profile, scenario, "maas", each))
        ]
        # Somewhat more than published, since an engine may be faster.
        spent = min(whole, 1.2 * max(rates) * _SECONDS[quota.unit]) if rates else whole
        if spent > quota.tokens:
            yield (
                f"maas.quotas.{name} allows each client {quota.tokens:,} tokens per "
                f"{quota.unit.lower()}, but this benchmark needs up to {spent:,.0f}, and the "
                "gateway rejects further requests with status 429. Set "
                f"maas.quotas.{name}.tokens to at least this number, or add the key's client to a "
                "tier of maas.tiers"
            )


def _tokens(scenario: int) -> int:
    """Of one request and its answer."""
    return scenarios()[scenario].input_tokens + OUTPUT


def _cost(values: Values, quota: Quota, scenario: int) -> float:
    """What one request is charged."""
    weights = values.maas.weights
    by_input, by_output = {
        "input": (1, 0),
        "output": (0, 1),
        "total": (1, 1),
        "weighted": (weights.input, weights.output),
    }[quota.count]
    return float(by_input * scenarios()[scenario].input_tokens + by_output * OUTPUT)
