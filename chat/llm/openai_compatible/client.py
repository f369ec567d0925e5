import asyncio
import gc
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from chat.llm.base import LLMError

if TYPE_CHECKING:
    # The SDK takes 0.7 s to import: it is left to the first reply, in a thread.
    from openai import AsyncOpenAI

EVENT_BYTES = 4 * 1024 * 1024  # the SDK keeps what has no end yet, however long it is

# One client for each loop and server: it takes 0.1 s to make, and keeps its connections. A
# generator holds it, for a loop that ends closes its generators, and with it the client.
_clients: dict[AbstractEventLoop, dict[tuple[str, str], tuple["AsyncOpenAI", AsyncGenerator]]] = {}


async def client_of(base_url: str, api_key: str) -> "AsyncOpenAI":
    loop = asyncio.get_running_loop()
    for ended in [known for known in list(_clients) if known.is_closed()]:
        del _clients[ended]
    clients = _clients.setdefault(loop, {})
    key = (base_url, api_key)
    if key not in clients:
        made = await asyncio.to_thread(_new_client, base_url, api_key)
        gc.freeze()  # the SDK stays, and is no garbage to look for
        if key not in clients:  # another reply may have been quicker
            keeper = _close_with_loop(made)
            clients[key] = made, keeper
            await anext(keeper)
    return clients[key][0]


async def _close_with_loop(client: "AsyncOpenAI") -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()


def _new_client(base_url: str, api_key: str) -> "AsyncOpenAI":
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    class Capped(httpx2.AsyncByteStream):
        """A response's bytes, which may not go on for ever without an event among them."""

        def __init__(self, source: httpx2.AsyncByteStream) -> None:
            self.source = source
            self.pending = 0  # bytes since the last event; who reads the events sets it back

        async def __aiter__(self) -> AsyncGenerator[bytes, None]:
            async for data in self.source:
                self.pending += len(data)
                if self.pending > EVENT_BYTES:
                    raise LLMError("upstream_malformed")
                yield data

        async def aclose(self) -> None:
            await self.source.aclose()

    async def cap(response: httpx2.Response) -> None:
        response.stream = Capped(response.stream)

    return AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "none",  # the SDK insists on one
        max_retries=0,
        http_client=DefaultAioHttpClient(event_hooks={"response": [cap]}),
        # Compressed, a few bytes could become any number after they are counted.
        default_headers={"Accept-Encoding": "identity"},
    )
