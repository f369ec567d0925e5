"""The life of a reply: accepted, run, written, followed, stopped, settled.

A reply belongs to its conversation, not to a socket. It runs as a task of the process
(`run`), its text is committed before anyone is shown it (`writer`), and whoever looks follows
what is committed (`follow`). A dead worker's reply is ended by the others (`settle`). The rooms
meet in `process`, of which each event loop has one.
"""
