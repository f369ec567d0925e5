"""OpenAI, and every server that speaks its API, through the `openai` SDK.

`backend` asks and streams, `client` holds the connections, `answer` reads chunks, `failure` says
what went wrong in the protocol's codes, `limit` keeps the time.
"""

from .backend import OpenAICompatible

__all__ = ["OpenAICompatible"]
