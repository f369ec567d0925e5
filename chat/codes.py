"""The codes of the chat socket: why it is closed, why a request is refused, why a reply failed."""

# Close codes of this protocol; below 4000 they belong to the transport, where 1000 is an end that
# is nobody's fault.
CLOSE_PROTOCOL = 4400
CLOSE_SESSION_ENDED = 4401
CLOSE_FOREIGN_ORIGIN = 4403
CLOSE_TOO_SLOW = 4008
CLOSE_RESTART = 4012
CLOSE_TOO_MANY = 4013
CLOSE_CROWDED = 4014
CLOSE_FLOODING = 4029
CLOSE_SESSION_MOVED = 1000

CLOSE_DETAILS = {
    CLOSE_PROTOCOL: "This page sends what the server does not understand. Load it again.",
    CLOSE_SESSION_ENDED: "Your session has ended. Load the page again to sign in.",
    CLOSE_FOREIGN_ORIGIN: "This page belongs to another site than the chat.",
    CLOSE_TOO_SLOW: "The connection was too slow to follow the reply.",
    CLOSE_RESTART: "The server restarts.",
    CLOSE_TOO_MANY: "Too many tabs of yours are open here. Close one.",
    CLOSE_CROWDED: "Too many people come at once. The page connects again.",
    CLOSE_FLOODING: "This page sends too much at once.",
    CLOSE_SESSION_MOVED: "Somebody has signed in. The page connects again.",
}

# Why a request was refused. Nothing was written then, and its `cid` is free.
REFUSALS = {
    "rate": "Too many messages in a short time. Yours is sent in a moment.",
    "unavailable": "The server cannot store messages right now. Yours is sent in a moment.",
    "busy": "A reply is still being written here. Wait for it, or stop it.",
    "too_many": "Too many of your replies are being written. Wait for one, or stop one.",
    "full": "This conversation has as many messages as one may have. Begin a new one.",
    "budget": "Your allowance of tokens for today is used up.",
    "empty": "The message is empty.",
    "too_long": "The message is too long.",
    "not_found": "This conversation or message does not exist.",
    "bad_json": "The frame is not a JSON object.",
    "bad_frame": "The frame is not text.",
    "bad_type": "The frame's type is not known.",
    "bad_field": "A field of the frame is missing or wrong.",
}

_ = str  # marks a sentence for the translators: Django does not come in here

# Why a reply failed or broke off: the sentence for its reader, and whether trying again may help.
REPLY_ERRORS = {
    "upstream_unreachable": (_("The model's server cannot be reached."), True),
    "upstream_timeout": (_("The model took too long to answer."), True),
    "upstream_rate": (_("The model's server is busy: too many requests."), True),
    "upstream_auth": (_("The model's server refused the key. Tell your administrator."), False),
    "upstream_cut": (_("The connection to the model broke off."), True),
    "upstream_malformed": (_("The model's server sent something that is not an answer."), True),
    "upstream_empty": (_("The model gave an empty answer."), True),
    "upstream_error": (_("The model's server failed."), True),
    "context_too_long": (_("The conversation is too long for this model."), False),
    "lost_worker": (_("The server stopped while it was writing this reply."), True),
    "restart": (_("The server restarted while it was writing this reply."), True),
    "storage": (_("The reply could not be stored."), True),
    "flow_error": (_("Something went wrong while this reply was made."), True),
}


class Refused(Exception):
    """A request that is not carried out: `code` from REFUSALS, `retry_after` in seconds."""

    def __init__(self, code: str, *, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
