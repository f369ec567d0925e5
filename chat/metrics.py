"""The figures that Prometheus asks each process for, where METRICS has them counted."""

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)

# None: nothing is counted.
figures: "Figures | None" = None


def start() -> None:
    """Count from now on. ImportError where prometheus-client is not installed."""
    global figures
    figures = figures or Figures()


class Figures:
    """What is counted. Its registry is this process's own: each worker has an address of its own,
    and is asked there."""

    def __init__(self) -> None:
        import prometheus_client as prometheus

        self._prometheus = prometheus
        self._registry = prometheus.CollectorRegistry()
        prometheus.disable_created_metrics()  # as many series again, of when each began
        prometheus.ProcessCollector(registry=self._registry)
        counter, gauge = self._made(prometheus.Counter), self._made(prometheus.Gauge)
        histogram = self._made(prometheus.Histogram)

        self.sockets = gauge("sockets", "Open sockets.")
        self.sockets_closed = counter("sockets_closed", "Sockets that were closed.", ["code"])
        self.accepted = counter("messages_accepted", "Requests for a reply that were accepted.")
        self.refused = counter("refused", "Frames that were refused.", ["code"])
        self.active = gauge("replies_active", "Replies that are being written here.")
        self.replies = counter("replies", "Replies that have ended.", ["status", "code"])
        self.reply_seconds = histogram("reply_seconds", "From accepted to final.", buckets=SLOW)
        self.first_token = histogram(
            "first_token_seconds", "From accepted to the first piece that is shown.", buckets=SLOW
        )
        self.added = histogram(
            "added_latency_seconds", "From a piece of the model to its commit.", buckets=FAST
        )
        self.tokens = counter(
            "tokens", "Tokens of replies that have ended, and of titles.", ["kind", "model"]
        )
        self.commit = histogram("commit_seconds", "A commit of the writer.", buckets=FAST)
        self.characters = counter("characters_committed", "Characters of replies.")
        self.upstream_failures = counter(
            "upstream_failures", "Requests to the model's server that failed.", ["code"]
        )
        self.settled = counter("replies_settled", "Replies that a dead worker left.")
        self.bus_up = gauge("bus_up", "Whether this process reaches the others' bus.")
        self.bus_lag = histogram(
            "bus_lag_seconds", "From a bell that is rung to its return over the bus.", buckets=FAST
        )

    def _made(self, kind: type):
        return lambda name, text, *rest, **more: kind(
            f"chat_{name}", text, *rest, registry=self._registry, **more
        )

    def page(self) -> tuple[bytes, str]:
        """All of it as Prometheus reads it, and the type of that."""
        return self._prometheus.generate_latest(self._registry), (
            self._prometheus.CONTENT_TYPE_LATEST
        )
