"""The comparison: a chat on FastAPI, PocketFlow, and the `openai` SDK, as tutorials write it.

Each message makes a client, streams typed chunks, and sends a frame for each token; the history
lives in the connection. Nothing is stored, nobody is signed in, and nothing can be resumed.
"""

import json
import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from openai import AsyncOpenAI
from pocketflow import AsyncFlow, AsyncNode

app = FastAPI()


async def stream_llm(messages: list[dict]):
    """The model's text, token by token."""
    client = AsyncOpenAI(
        api_key=os.environ["OPENAI_API_KEY"], base_url=os.environ["OPENAI_BASE_URL"]
    )
    stream = await client.chat.completions.create(model="bench", messages=messages, stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content is not None:
            yield chunk.choices[0].delta.content


class ChatNode(AsyncNode):
    """Streams one reply to the socket."""

    async def prep_async(self, shared: dict) -> tuple[list[dict], WebSocket]:
        shared["history"].append({"role": "user", "content": shared["message"]})
        return shared["history"], shared["websocket"]

    async def exec_async(self, prepared: tuple[list[dict], WebSocket]) -> str:
        messages, websocket = prepared
        await websocket.send_text(json.dumps({"type": "start", "content": ""}))
        answer = ""
        async for text in stream_llm(messages):
            answer += text
            await websocket.send_text(json.dumps({"type": "chunk", "content": text}))
        await websocket.send_text(json.dumps({"type": "end", "content": ""}))
        return answer

    async def post_async(self, shared: dict, prepared: tuple, answer: str) -> None:
        shared["history"].append({"role": "assistant", "content": answer})


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    """One conversation, for as long as the connection lasts."""
    await websocket.accept()
    shared = {"websocket": websocket, "history": []}
    try:
        while True:
            shared["message"] = json.loads(await websocket.receive_text())["content"]
            await AsyncFlow(start=ChatNode()).run_async(shared)
    except WebSocketDisconnect:
        pass
