"""Bedrock through any-llm and boto3, which write requests and read answers, and wait for none.

boto3 waits in a thread, with a time-out of its own, and nothing ends that wait. So any-llm is asked
twice: first the request that boto3 has signed is taken and goes out through the gym's client, then
its answer is there.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from importlib import import_module
from io import BytesIO
from typing import Any

import httpx

from gymtui.gym.models.exchange import BLOCKS, Exchange
from gymtui.gym.models.model_client import Answered, ModelClient

BEFORE_SEND = "before-send.bedrock-runtime.Converse"
"""boto3's event: a handler may answer in place of the network."""


class Bedrock:
    """A client for one place and key."""

    def __init__(
        self, create: Callable[..., Any], given: Mapping[str, Any], client: ModelClient
    ) -> None:
        """Make it.

        Args:
            create: Makes a client of any-llm.
            given: What that takes.
            client: What carries the requests.
        """
        config = import_module("botocore.config").Config(retries={"total_max_attempts": 1})
        self._create = create
        self._boto = create("bedrock", **given, config=config).client
        self._boto.meta.events.register(BEFORE_SEND, _answer)
        self._client = client

    async def ask(self, body: Mapping[str, Any], exchange: Exchange) -> Any:
        """Ask for a completion, given in OpenAI's form with the model; returns any-llm's answer."""
        kept: dict[str, Any] = {}
        messages = [_marked(message, kept) for message in body["messages"]]
        call = _Call(self._boto, kept)
        library = self._create("bedrock", client=call, unified_exceptions=True)
        try:
            await library.acompletion(**{**body, "messages": messages})
        except Exception:
            if call.request is None:
                raise
        request = call.request
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        call.answered = await exchange.carry(
            self._client.exchange(request.method, httpx.URL(request.url), request.body, headers)
        )
        return await library.acompletion(**{**body, "messages": messages})


class _Call:
    """What any-llm takes for boto3's client: it makes one call, which waits for nothing."""

    def __init__(self, boto: Any, kept: Mapping[str, Any]) -> None:
        self._boto = boto
        self._kept = kept  # content as Bedrock wrote it, by the text that stands for it
        self.request: Any = None  # as boto3 has signed it, once it is written
        self.answered: Answered | None = None

    def converse(self, **parameters: Any) -> Any:
        """Have boto3 write the request, or read the answer once it is there."""
        for message in parameters["messages"]:
            text = message["content"][0].get("text")
            if message["role"] == "assistant" and text in self._kept:
                message["content"] = self._kept[text]
        before = _CALL.set(self)
        try:
            return self._boto.converse(**parameters)
        finally:
            _CALL.reset(before)


_CALL: ContextVar[_Call] = ContextVar("call")  # that of the thread that boto3 runs in


class _WrittenError(Exception):
    """The request is written."""


def _answer(request: Any, **_: Any) -> Any:
    call = _CALL.get()
    if call.answered is None:
        call.request = request
        raise _WrittenError
    kept = ("content-type", "x-amzn-errortype", "x-amzn-requestid")
    headers = {name: call.answered.headers[name] for name in kept if name in call.answered.headers}
    response = import_module("botocore.awsrequest").AWSResponse
    return response(request.url, call.answered.status, headers, _Body(call.answered.content))


class _Body(BytesIO):
    """An answer's body as boto3 reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _marked(message: Mapping[str, Any], kept: dict[str, Any]) -> Mapping[str, Any]:
    """Return a message with a text in place of content that any-llm would not write as it came."""
    blocks = message.get(BLOCKS)
    if blocks is None:
        return message
    mark = f"{BLOCKS} {len(kept)} {json.dumps(blocks)}"
    kept[mark] = [_of_wire(block) for block in blocks]
    return {"role": message["role"], "content": mark}


def _of_wire(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a block as boto3 takes it: with bytes where the wire has base64."""
    reasoning = block.get("reasoningContent", {})
    if "redactedContent" not in reasoning:
        return block
    return {"reasoningContent": {"redactedContent": base64.b64decode(reasoning["redactedContent"])}}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
