"""Conversations as files that other programs read: a person's own to take along, and an operator's
choice of everybody's."""

from . import data, markdown, table

# What `?as=` may name. Each writes a conversation, and the index of many, in pieces.
FORMATS = {"markdown": markdown, "json": data}
# Each writes many conversations, of whatever owners, as one file in pieces.
FORMATS_OF_MANY = {"csv": table, "json": data, "markdown": markdown}
