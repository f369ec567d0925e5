"""What a person takes along: their conversations as files that other programs read."""

from . import data, markdown

# What `?as=` may name. Each writes a conversation, and the index of many, in pieces.
FORMATS = {"markdown": markdown, "json": data}
