"""The floor: a bare ASGI socket that relays the model's bytes.

No framework, no JSON on the way back, no database: what a server in Python cannot cost less than.
What one read brings goes out in one frame. It speaks the comparison's words:
`{"content"}` in, `start`, `chunk`, `end` out.
"""

import asyncio
import json
import os
import re
from urllib.parse import urlsplit

MODEL = urlsplit(os.environ["OPENAI_BASE_URL"])
# The content of each event, still escaped as JSON, which is how it goes on.
CONTENT = re.compile(rb'"delta":\{"content":"((?:[^"\\]|\\.)*)"')
READ_BYTES = 65_536


async def application(scope: dict, receive, send) -> None:
    """One socket; anything else is not served."""
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept"})
    reader, writer = await asyncio.open_connection(MODEL.hostname, MODEL.port)
    history: list[dict] = []
    try:
        while (said := await receive())["type"] == "websocket.receive":
            history.append({"role": "user", "content": json.loads(said["text"])["content"]})
            await relay(history, reader, writer, send)
    finally:
        writer.close()


async def relay(
    history: list[dict], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, send
) -> None:
    """One reply, which is added to the history."""
    body = json.dumps({"model": "bench", "messages": history, "stream": True}).encode()
    head = f"POST {MODEL.path}/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await send({"type": "websocket.send", "text": '{"type":"start"}'})
    said, rest = [], b""
    while b"data: [DONE]" not in rest:
        data = rest + await reader.read(READ_BYTES)
        whole = data.rfind(b"\n\n") + 2
        rest = data[whole:] if b"[DONE]" not in data else b"data: [DONE]"
        if text := b"".join(CONTENT.findall(data, 0, whole)).decode():
            said.append(text)
            frame = '{"type":"chunk","content":"' + text + '"}'
            await send({"type": "websocket.send", "text": frame})
    history.append({"role": "assistant", "content": "".join(said)})
    await send({"type": "websocket.send", "text": '{"type":"end"}'})
