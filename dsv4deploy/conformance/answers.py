"""What a right request gets: models, completions and streams."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from ..bench.simulate import MODELS
from .case import (
    FailedError,
    SkippedError,
    answered,
    case,
    destructive,
    expect,
    http2,
    require,
    shown,
)
from .gateway import Gateway, Stream, tokens

LIST, COMPLETION, STREAM = "Models", "Completions", "Streams"


@case(
    LIST,
    "models-list",
    "The list of models contains the model.",
    "GET /v1/models is 200; `data` has an entry of this id.",
)
def _models(gateway: Gateway) -> str:
    answer = gateway.ask(MODELS, method="GET")
    expect(answer, 200)
    names = [each.get("id") for each in answer.json().get("data", [])]
    require(gateway.target.model in names, f"the list has {names}")
    return f"the list has {names}"


@case(
    LIST,
    "models-shape",
    "The list of models has OpenAI's format.",
    "`object` is list, and each entry has `id`, `object`, `created` and `owned_by`.",
)
def _models_shape(gateway: Gateway) -> str:
    found = gateway.ask(MODELS, method="GET").json()
    require(found.get("object") == "list", f"`object` is {found.get('object')!r}")
    for each in found["data"]:
        lacking = {"id", "object", "created", "owned_by"} - each.keys()
        require(not lacking, f"an entry has no {', '.join(sorted(lacking))}: {each}")
    return f"{len(found['data'])} entries"


@case(
    COMPLETION,
    "completion-shape",
    "A completion has OpenAI's format.",
    "`id`, `object`, `created`, `model` and a choice with the assistant's text and a reason.",
)
def _shape(gateway: Gateway) -> str:
    answer = gateway.ask()
    expect(answer, 200)
    found = answer.json()
    require(found.get("object") == "chat.completion", f"`object` is {found.get('object')!r}")
    require(isinstance(found.get("id"), str) and found["id"], f"`id` is {found.get('id')!r}")
    require(isinstance(found.get("created"), int), f"`created` is {found.get('created')!r}")
    require(isinstance(found.get("model"), str), f"`model` is {found.get('model')!r}")
    (choice,) = found["choices"]
    message = choice["message"]
    require(message.get("role") == "assistant", f"the role is {message.get('role')!r}")
    require("content" in message, "the message has no content")
    require(choice.get("finish_reason"), "there is no finish_reason")
    return shown(answer)


@case(
    COMPLETION,
    "completion-type",
    "A completion is declared as JSON.",
    "The content type is application/json.",
)
def _type(gateway: Gateway) -> str:
    kind = gateway.ask().headers.get("content-type", "")
    require(kind.startswith("application/json"), f"the content type is {kind!r}")
    return str(kind)


@case(
    COMPLETION,
    "completion-usage",
    "A completion reports its token usage.",
    "`usage` contains the tokens of the prompt, of the answer, and their sum.",
)
def _usage(gateway: Gateway) -> str:
    prompt, completion, total = tokens(gateway.ask())
    told = f"{prompt} + {completion} = {total} tokens"
    require(prompt > 0 and completion > 0 and prompt + completion == total, told)
    return told


@case(
    COMPLETION,
    "completion-max-tokens",
    "max_tokens limits the length of an answer.",
    "With max_tokens 1, the answer has one token, and its finish_reason is length.",
)
def _bounded(gateway: Gateway) -> str:
    answer = gateway.ask(max_tokens=1)
    expect(answer, 200)
    reason, count = answer.json()["choices"][0]["finish_reason"], tokens(answer)[1]
    require((reason, count) == ("length", 1), f"{count} tokens, and the reason is {reason}")
    return "one token"


@case(
    COMPLETION,
    "completion-http2",
    "A completion also works over HTTP/2.",
    "The status is 200, and the version is HTTP/2.",
    http2,
)
def _over_http2(gateway: Gateway) -> str:
    answer = gateway.ask(http2=True)
    require(answer.http_version == "HTTP/2", f"the version is {answer.http_version}")
    return expect(answer, 200)


def _accepted(gateway: Gateway, **fields: Any) -> str:
    return expect(gateway.ask(**fields), 200)


_TALK = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "Say yes."},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "Again."},
]
for _code, _what, _fields in (
    ("parameters", "sampling parameters", {"temperature": 0.5, "top_p": 0.9, "seed": 1, "n": 1}),
    ("stop", "stop words", {"stop": ["zzz", "###"]}),
    ("conversation", "a system prompt and earlier turns", {"messages": _TALK}),
    (
        "unicode",
        "Chinese, accents and emoji",
        {"messages": [{"role": "user", "content": "说“是” – où ? 🙂"}]},
    ),
    (
        "parts",
        "content in parts",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Say yes."}]}]},
    ),
    ("user", "an end user's name", {"user": "end-user-1"}),
):
    case(
        COMPLETION, f"completion-{_code}", f"A request may contain {_what}.", "The status is 200."
    )(partial(_accepted, **_fields))


# --- streams ------------------------------------------------------------------------------------


def whole(stream: Stream) -> str:
    """Fails unless a stream is answered and whole; its size."""
    last = stream.lines[-1][1][:120] if stream.lines else "nothing"
    require(stream.status == 200, f"HTTP {stream.status}: {last}")
    require(stream.done, f"the stream ends without [DONE]: its last line is {last}")
    return f"{len(stream.chunks)} events and [DONE]"


@case(
    STREAM,
    "stream-whole",
    "A stream is an event stream that ends with [DONE].",
    "The content type is text/event-stream; the last event is `data: [DONE]`.",
)
def _whole(gateway: Gateway) -> str:
    stream = gateway.stream()
    found = whole(stream)
    require(stream.kind.startswith("text/event-stream"), f"the content type is {stream.kind!r}")
    return found


@case(
    STREAM,
    "stream-http2",
    "A stream is also complete over HTTP/2.",
    "The last event is `data: [DONE]`.",
    http2,
)
def _stream_http2(gateway: Gateway) -> str:
    return whole(gateway.stream(http2=True))


@case(
    STREAM,
    "stream-lines",
    "Every line of a stream is an event of Server-Sent Events.",
    "Each line is a field (data, event, id, retry) or a comment; data is a JSON object.",
)
def _lines(gateway: Gateway) -> str:
    stream = gateway.stream()
    whole(stream)
    for _, line in stream.lines:
        field = line.partition(":")[0]
        require(field in ("data", "event", "id", "retry", ""), f"a line is {line[:120]!r}")
    return f"{len(stream.lines)} lines"


@case(
    STREAM,
    "stream-shape",
    "The events of a stream have OpenAI's format.",
    "Each event is a chat.completion.chunk with the same id; one choice has a finish_reason.",
)
def _chunks(gateway: Gateway) -> str:
    stream = gateway.stream()
    found = whole(stream)
    kinds, ids = ({chunk.get(name) for chunk in stream.chunks} for name in ("object", "id"))
    require(kinds == {"chat.completion.chunk"}, f"`object` is {kinds}")
    require(len(ids) == 1, f"there are {len(ids)} ids")
    choices = [choice for chunk in stream.chunks for choice in chunk["choices"]]
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    require(len(reasons) == 1, f"the reasons are {reasons}")
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    require(text, "no event has text")
    return found


@case(
    STREAM,
    "stream-usage",
    "A stream reports its token usage on request.",
    "With stream_options.include_usage, one event has no choices and a consistent usage.",
)
def _stream_usage(gateway: Gateway) -> str:
    stream = gateway.stream(stream_options={"include_usage": True})
    whole(stream)
    usage = stream.usage
    require(usage, "no event has a usage")
    counts = [usage.get(f"{name}_tokens", 0) for name in ("prompt", "completion", "total")]
    require(all(counts) and counts[0] + counts[1] == counts[2], f"the usage is {usage}")
    (bare,) = (chunk for chunk in stream.chunks if chunk.get("usage") == usage)
    require(not bare.get("choices"), "the event with the usage has choices")
    return f"{counts[0]} + {counts[1]} = {counts[2]} tokens"


@case(
    STREAM,
    "stream-without-usage",
    "A stream without a request for its token usage is also complete.",
    "With include_usage false, the last event is `data: [DONE]`.",
)
def _stream_without(gateway: Gateway) -> str:
    return whole(gateway.stream(stream_options={"include_usage": False}))


@case(
    STREAM,
    "stream-at-once",
    "The gateway forwards each event immediately.",
    "Of 32 tokens, the first arrives at least 50 ms before the last. If the complete answer "
    "arrives at once in less than a second, the case is skipped.",
)
def _at_once(gateway: Gateway) -> str:
    if gateway.target.blocked_prompt:
        raise SkippedError("guardrails may hold a stream back until they have read it")
    stream = gateway.stream(max_tokens=32)
    whole(stream)
    first, last = stream.lines[0][0], stream.lines[-1][0]
    found = f"the first event came after {first:.2f} s, the last after {last:.2f} s"
    if last - first >= 0.05:
        return found
    raise FailedError(found) if last > 1 else SkippedError(f"too fast to tell: {found}")


@case(
    STREAM,
    "stream-parallel",
    "Concurrent streams are all complete.",
    "--parallel streams start together; each ends with [DONE].",
)
def _parallel(gateway: Gateway) -> str:
    streams = gateway.streams(gateway.target.parallel, max_tokens=16)
    for stream in streams:
        whole(stream)
    return f"{len(streams)} streams"


@case(
    STREAM,
    "stream-cancelled",
    "If a client disconnects during a stream, the gateway still answers others.",
    "The client closes an HTTP/1.1 connection after the first event; a completion is 200.",
)
def _cancelled(gateway: Gateway) -> str:
    with gateway.streaming(max_tokens=64) as (stream, lines):
        require(stream.status == 200, f"HTTP {stream.status}")
        require(list(islice(lines, 1)), "the stream has no event")
    return answered(gateway)


@case(
    STREAM,
    "stream-cancelled-http2",
    "If a client resets a stream, its connection remains usable.",
    "The client resets an HTTP/2 stream after the first event; a completion on the same "
    "connection is 200.",
    http2,
)
def _reset(gateway: Gateway) -> str:
    with gateway.streaming(max_tokens=64, http2=True) as (stream, lines):
        require(stream.status == 200, f"HTTP {stream.status}")
        require(list(islice(lines, 1)), "the stream has no event")
    return expect(gateway.ask(http2=True), 200)


_LONG = 65


@case(
    STREAM,
    "stream-long",
    "A stream may take longer than a minute, after which many gateways cut it off.",
    f"A stream of up to 4,096 tokens still delivers events after {_LONG} s. If the answer is "
    "complete before, the case is skipped.",
    destructive,
)
def _long(gateway: Gateway) -> str:
    with gateway.streaming(max_tokens=4096, ignore_eos=True) as (stream, lines):
        for _ in lines:
            if stream.lines[-1][0] > _LONG:
                return f"{len(stream.lines)} lines in {_LONG} s"
    whole(stream)
    raise SkippedError(f"the complete answer took only {stream.lines[-1][0]:.0f} s")


@case(
    COMPLETION,
    "guardrails",
    "The guardrails block the prompt.",
    "The prompt of --blocked-prompt gets 400, 403, or finish_reason content_filter.",
    lambda gateway: "" if gateway.target.blocked_prompt else "needs --blocked-prompt",
)
def _blocked(gateway: Gateway) -> str:
    prompt = gateway.target.blocked_prompt
    answer = gateway.ask(messages=[{"role": "user", "content": prompt}], max_tokens=16)
    if answer.status_code == 200:
        reason = answer.json()["choices"][0].get("finish_reason")
        require(reason == "content_filter", f"the prompt is answered, with finish_reason {reason}")
        return shown(answer)
    return expect(answer, 400, 403)
