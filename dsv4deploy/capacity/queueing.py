"""The closed forms of queueing theory: Erlang's formulas for Poisson arrivals and equal servers.

A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
telephone exchanges", 1917. A server is a slot of an engine, and a call is a request.
"""

from __future__ import annotations

from math import inf


def erlang_b(servers: int, load: float) -> float:
    """The share of calls that find all servers busy, where none waits.

    Args:
        servers: how many.
        load: arrivals a second × seconds of service.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """The share of calls that wait, where all do so until a server is free; 1 from the load on at
    which the queue grows without end.
    """
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait(servers: int, rate: float, service: float) -> float:
    """The mean wait of all calls, in seconds, with exponential service times (M/M/c).

    Args:
        servers: how many.
        rate: arrivals a second.
        service: the mean of a service, in seconds.
    """
    load = rate * service
    if load >= servers:
        return inf
    return erlang_c(servers, load) * service / (servers - load)
