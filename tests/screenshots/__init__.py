"""Pictures of every state of the page, each reached by its real cause.

python -m tests.screenshots [--only offline,palette] [--list]
"""
