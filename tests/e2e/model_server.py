"""A model server as clients see one, for tests of what stands before it.

    python model_server.py ADDRESS PORT

Serves ``/v1/chat/completions`` as vLLM does, streamed or not, usage included: one token for each
that ``max_tokens`` asks for (``t0 t1 t2 …``), a prompt token for each 4.9 bytes of the messages'
text, the published prompts' ratio. OpenAI's ``metadata`` of a request says how it goes about it:

    ttft      seconds until the first token
    itl       seconds from token to token
    prompt    how many prompt tokens to report instead
    reset     after how many tokens of a stream to reset the connection, as a server that dies

Each answer lists the names of the headers that its request had, in :data:`RECEIVED`. Like vLLM's,
its ``/invocations`` and ``/metrics`` are no business of clients.

``/seen`` lists the last requests: header lines, bytes and options of the body, how many tokens were
sent, and whether the connection ended before the answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from typing import Any, NoReturn

from aiohttp import web

BYTES_PER_TOKEN = 4.9
RECEIVED = "x-dsv4deploy-received"
seen: deque[dict[str, Any]] = deque(maxlen=2000)


async def complete(request: web.Request) -> web.StreamResponse:
    """One answer."""
    raw = await request.read()
    try:
        body = json.loads(raw)
        prompt = sum(len(str(message["content"]).encode()) for message in body["messages"])
    except (ValueError, KeyError, TypeError) as error:
        told = {"message": f"no completion's request: {error}", "type": "BadRequestError"}
        return web.json_response({"error": {**told, "param": None, "code": 400}}, status=400)
    told = {key: float(text) for key, text in (body.get("metadata") or {}).items()}
    tokens = int(body.get("max_tokens", 16))
    usage = {"prompt_tokens": int(told.get("prompt", prompt / BYTES_PER_TOKEN))}
    usage |= {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
    record: dict[str, Any] = {
        "headers": [[name.lower(), text] for name, text in request.headers.items()],
        "bytes": len(raw),
        "options": {key: value for key, value in body.items() if key != "messages"},
        "usage": usage,
        "sent": 0,
        "left": False,
    }
    seen.append(record)
    try:
        return await answer(request, body, told, record)
    except (ConnectionError, asyncio.CancelledError):
        record["left"] = True
        raise


async def answer(
    request: web.Request, body: dict[str, Any], told: dict[str, float], record: dict[str, Any]
) -> web.StreamResponse:
    """The answer that a request asked for."""
    tokens, itl, usage = int(body.get("max_tokens", 16)), told.get("itl", 0.0), record["usage"]
    await asyncio.sleep(told.get("ttft", 0.0))
    received = {RECEIVED: ",".join(name.lower() for name in request.headers)}
    common = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": "".join(f"t{n} " for n in range(tokens))}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        record["sent"] = tokens
        whole = {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
        return web.json_response(whole, headers=received)
    if told.get("reset") == 0:
        reset(request)
    kind = {"Content-Type": "text/event-stream; charset=utf-8"}
    response = web.StreamResponse(headers={**kind, **received})
    await response.prepare(request)

    async def send(**chunk: Any) -> None:
        text = json.dumps({**common, "object": "chat.completion.chunk", **chunk})
        await response.write(f"data: {text}\n\n".encode())

    begun = asyncio.get_running_loop().time()
    for number in range(tokens):
        if itl and number:
            await asyncio.sleep(begun + number * itl - asyncio.get_running_loop().time())
        last = "length" if number == tokens - 1 else None
        choice = {"index": 0, "delta": {"content": f"t{number} "}, "finish_reason": last}
        await send(choices=[choice])
        record["sent"] += 1
        if told.get("reset") == record["sent"]:
            reset(request)
    if (body.get("stream_options") or {}).get("include_usage"):
        await send(choices=[], usage=usage)
    await response.write(b"data: [DONE]\n\n")
    return response


def reset(request: web.Request) -> NoReturn:
    """Ends a request's connection at once."""
    if request.transport:
        request.transport.abort()
    raise ConnectionResetError


async def list_seen(_: web.Request) -> web.Response:
    """The last requests."""
    return web.json_response(list(seen))


async def metrics(_: web.Request) -> web.Response:
    """A figure, as vLLM has it."""
    return web.Response(text="vllm:num_requests_running 0\n")


def main(address: str, port: str) -> None:
    """Serves until it is ended."""
    app = web.Application(client_max_size=64 * 2**20, handler_args={"access_log": None})
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_post("/invocations", complete)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/seen", list_seen)
    options = {"print": None, "handler_cancellation": True, "shutdown_timeout": 0}
    web.run_app(app, host=address, port=int(port), **options)


if __name__ == "__main__":
    main(*sys.argv[1:])
