"""``dsv4deploy plan``: the memory of one card."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from ..sizing import picture
from ..sizing import plan as planner
from ..sizing.startup_log import read_log
from ..writing import write_files
from .options import FORMAT, DeploymentOptions, Gibibytes, Tokens, deployment_options
from .output import print_json, print_sentence, print_table, print_text, say


@click.command()
@deployment_options
@FORMAT
@click.option(
    "--svg", type=click.Path(path_type=Path), help="Also draw the memory of one card to this file."
)
@click.option(
    "--memory",
    type=Gibibytes(1, 1024),
    metavar="GIB",
    help="The memory of one card that torch reports, if you have measured it, such as 29.5 or "
    "29Gi.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="LOG",
    help="A startup log of the engine on these cards; its figures replace the assumptions.",
)
@click.option(
    "--request",
    type=Tokens(),
    metavar="TOKENS",
    help="Also show how many requests of this length fit at once; the length is the sum of prompt "
    "and answer, such as 32768 or 32K.",
)
def plan(
    deployment: DeploymentOptions,
    output: str,
    svg: Path | None,
    memory: float | None,
    calibrate: Path | None,
    request: int | None,
) -> None:
    """Show whether a deployment fits in the cards' memory, and how much memory remains.

    The verdict fits means that the deployment fits even if every uncertain figure has its worst
    value; tight means that it fits with the likely figures. The command exits with 1 if the
    deployment does not fit.

    \b
    dsv4deploy plan --set engine.args.max-num-batched-tokens=4096
    dsv4deploy plan --request 32K
    dsv4deploy plan --set npu.card=910B4-1 --svg card.svg
    kubectl logs POD -c main > log && dsv4deploy plan --calibrate log
    """
    values = deployment.values()
    log = calibrate.read_text(encoding="utf-8", errors="replace") if calibrate else ""
    made = planner.plan(
        values,
        memory=memory,
        calibration=read_log(log) if calibrate else None,
    )
    if svg:
        write_files({svg: picture.svg(made)})
        say(f"wrote {svg}")
    if output == "json":
        at_once = {"requests_at_once": _at_once(made, request)} if request else {}
        print_json({**picture.as_data(made), **at_once})
    else:
        _print(made, values.engine.args.max_num_seqs, request)
    if made.verdict == planner.Verdict.DOES_NOT_FIT:
        sys.exit(1)


def _at_once(made: planner.MemoryPlan, tokens: int) -> int:
    """How many requests of this length the cache holds at once; 0 where vLLM rejects each."""
    if tokens > made.cache.max_model_len:
        return 0
    return replace(made.cache, max_model_len=tokens).requests(made.likely.blocks)


def _print(made: planner.MemoryPlan, seqs: int, request: int | None) -> None:
    estimates = {
        "card": made.memory,
        "weights": made.weights,
        "activation": made.activation,
        "buffers at startup": made.buffers,
        "graphs, later buffers": made.after_profiling,
    }
    print_table(
        ("GIB PER CARD", "LOW", "LIKELY", "HIGH", "KNOWN", "SOURCE"),
        [
            (name, *(f"{gib:.2f}" for gib in (e.low, e.likely, e.high)), e.provenance, e.source)
            for name, e in estimates.items()
        ],
        sentences=True,
    )
    cache = made.cache
    print_text("")
    print_table(
        ("WITH FIGURES", "KV CACHE", "SPARE", "SLACK", "BLOCKS", "REQUESTS", "HOLDS"),
        [
            (
                name,
                *(f"{gib:.2f}" for gib in (each.available, each.margin, each.slack)),
                each.blocks,
                each.requests,
                "yes" if each.holds else "no",
            )
            for name, each in (("worst", made.worst), ("likely", made.likely), ("best", made.best))
        ],
    )
    print_sentence(
        "SPARE is the cache that remains after the longest request, and SLACK is the unused "
        "memory of the card; a case HOLDS if neither is negative."
    )
    if made.calibration:
        print_text("\nRead from the log:")
        for line in made.calibration.lines:
            print_text(f"  {line}")
    limits = made.limits
    print_text(f"\n{picture.bar(made)}\n")
    print_sentence(
        f"One request of {cache.max_model_len} tokens, prompt and answer, needs "
        f"{cache.admission_blocks} blocks ({cache.admission_gib:.2f} GiB): {cache.context_blocks} "
        f"for max-model-len, {cache.step_blocks} for max-num-batched-tokens; it keeps "
        f"{cache.decoding_blocks} after its prompt is processed."
    )
    print_sentence(
        f"The cache holds {made.kv_tokens} tokens by vLLM's count, or {made.likely.requests} such "
        f"requests at once; the limit is {made.bound_by}."
    )
    if request:
        longer = request > cache.max_model_len
        why = f": vLLM rejects requests longer than max-model-len, {cache.max_model_len}"
        print_sentence(
            f"Of requests with {request} tokens, prompt and answer, the cache holds "
            f"{_at_once(made, request)} at once{why if longer else ''}."
        )
    if seqs > made.likely.requests > 0:
        print_sentence(
            f"max-num-seqs admits {seqs} requests; {seqs - made.likely.requests} of them wait for "
            "cache if all have this length."
        )
    print_sentence(
        f"The largest values that still fit, each changed alone: max-num-batched-tokens "
        f"{_most(limits.max_num_batched_tokens, limits.batched_requests)}, max-num-seqs "
        f"{limits.max_num_seqs or 'none'}, max-model-len "
        f"{_most(limits.max_model_len, limits.length_requests)}."
    )
    print_sentence(f"Engine: {made.build or 'unknown'}.")
    for note in made.notes:
        print_sentence(f"Note: {note}.")
    print_text(f"{made.card} at {made.utilization:g}: {made.verdict}")


def _most(value: int, requests: int) -> str:
    """A limit, and the longest requests that fit at once with it."""
    plural = "" if requests == 1 else "s"
    return f"{value} (with {requests} such request{plural} at once)" if value else "none"
