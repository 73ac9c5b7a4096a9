"""What another build of the engine makes of the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ValuesError, nearest
from ..facts.builds import Build, builds, named
from ..findings import Finding, Severity
from ..manifest.render import Release
from ..sizing.engine import arguments, captured_batches, engine_build
from ..sizing.plan import plan
from ..values.tree import Values
from .rules import check


def with_engine(values: Values, engine: str) -> Values:
    """The same deployment with another engine.

    Args:
        values: the deployment.
        engine: a build's name, or the reference of an image.

    Raises:
        ValuesError: it is no image, and no build of that name is known.
    """
    change: dict[str, Any] = {"build": engine}
    if ":" in engine or "/" in engine:
        change = {"image": engine, "build": ""}
    elif not named(engine):
        near = nearest(engine, [each.name for each in builds()])
        raise ValuesError.of("--engine", engine, f"no build of this name is known{near}")
    tree = values.model_dump(by_alias=True)
    tree["engine"] |= change
    return Values.model_validate(tree, by_alias=True, by_name=False)


def upgrade(values: Values, engine: str, release: Release | None = None) -> list[Finding]:
    """What changes where a deployment goes to another engine, errors first.

    A finding that the other engine adds is as :func:`~.rules.check` returns it; one that it ends is
    ``ok``, and so is a limit that becomes another one. What is the same in both is omitted.

    Args:
        values: the deployment as it is.
        engine: a build's name, or the reference of an image.
        release: the namespace that it is in.

    Raises:
        ValuesError: no build of that name is known.
    """
    moved = with_engine(values, engine)
    before = {(found.code, found.path): found for found in check(values, release)}
    after = {(found.code, found.path): found for found in check(moved, release)}
    changes = [found for place, found in after.items() if place not in before]
    changes += _meanings(values, moved)
    changes += _limits(values, moved)
    changes += [
        Finding(found.code, Severity.OK, found.path, f"no longer: {found.message}")
        for place, found in before.items()
        if place not in after
    ]
    order = list(Severity)
    return sorted(changes, key=lambda found: order.index(found.severity))


def _meanings(values: Values, moved: Values) -> Iterator[Finding]:
    """Flags, keys and variables that both engines read, and not as the same thing."""
    old, new = engine_build(values), engine_build(moved)
    if not old or not new:
        return
    given = arguments(values)
    keys = given.get("additional-config")
    places: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("engine.args", given, old.vllm.flags, new.vllm.flags),
        (
            "engine.args.additional-config",
            keys if isinstance(keys, Mapping) else {},
            old.additional_config,
            new.additional_config,
        ),
        ("engine.env", values.engine.env, _variables(old), _variables(new)),
    )
    for path, names, one, other in places:
        for name in sorted(names):
            if name in one and name in other and one[name] != other[name]:
                yield Finding(
                    "engine-meaning",
                    Severity.WARNING,
                    f"{path}.{name}",
                    f"{old.name} reads {_words(one[name])} here, but {new.name} reads "
                    f"{_words(other[name])}",
                    "check that the value has the meaning that you intend",
                )


def _variables(build: Build) -> Mapping[str, Any]:
    return {**build.vllm.variables, **build.variables}


def _words(kind: Any) -> str:
    """A flag's, key's or variable's kind in words."""
    if isinstance(kind, Mapping):
        parts = [str(kind["kind"]), *(word for word in ("many", "optional") if word in kind)]
        choices = kind.get("choices") or ()
        return ", ".join(parts) + (f" of {', '.join(map(str, choices))}" if choices else "")
    if isinstance(kind, list | tuple):
        return f"one of {', '.join(map(str, kind))}"
    return str(kind) or "anything"


def _limits(values: Values, moved: Values) -> Iterator[Finding]:
    """What the engines capture, and what the longest request takes of a card."""
    old, new = plan(values), plan(moved)
    if old.build != new.build:
        yield _limit("engine.build", f"{old.build or 'unknown'}, then {new.build or 'unknown'}")
    one, other = captured_batches(values), captured_batches(moved)
    if one != other:
        yield _limit("engine.args.max-num-seqs", f"graphs: {_grid(one)}, then {_grid(other)}")
    blocks = old.cache.admission_blocks, new.cache.admission_blocks
    if blocks[0] != blocks[1] or old.verdict != new.verdict:
        yield _limit(
            "npu.card",
            f"the longest request takes {old.cache.admission_gib:.2f} GiB of KV cache "
            f"({blocks[0]} blocks), then {new.cache.admission_gib:.2f} ({blocks[1]}); "
            f"{old.card} at {old.utilization:g}: {old.verdict}, then {new.verdict}",
        )


def _limit(path: str, message: str) -> Finding:
    return Finding("engine-limit", Severity.OK, path, message)


def _grid(sizes: list[int] | None) -> str:
    return f"{len(sizes)} batches up to {max(sizes)}" if sizes else "none"


MEANINGS = {
    "engine-limit": "both engines capture the same graphs and use the same amount of KV cache",
    "engine-meaning": "both engines interpret each flag, key, and variable in the same way",
}
"""What holds where all is well, by the code of a finding that is no rule's."""
