"""What Prometheus sees of Locust, so that load and what it does stand on one dashboard."""

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from loadtests.record import APPROVED, CHECKOUT, PLACED, READY, START
from telemetry.registry import SECONDS

OUTCOMES = {APPROVED: "approved", READY: "ready", PLACED: "placed", CHECKOUT: "checkout", START: "started"}


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._users = Gauge("locust_users", "How many are there?", ["kind"], registry=self._registry)
        self._requests = Counter(
            "locust_requests", "How much do they ask, and what fails?", ["name", "outcome"], registry=self._registry
        )
        self._responses = Histogram(
            "locust_response_seconds", "How long do answers take?", ["name"], registry=self._registry, buckets=SECONDS
        )
        self._outcomes = Histogram(
            "locust_outcome_seconds",
            "How long until something has come of it, from when it should have begun?",
            ["outcome"],
            registry=self._registry,
            buckets=SECONDS,
        )

    def serve(self, address: str) -> None:
        """On `host:port`, until the process ends. Somebody else may have taken it in the meantime: a run is worth more
        than its curves."""
        host, _, port = address.rpartition(":")
        try:
            start_http_server(int(port), host, self._registry)
        except OSError as error:
            logging.warning("%s: Prometheus will not see this run: %s", address, error.strerror)

    def called(self, method: str, seconds: float, *, failed: bool) -> None:
        self._requests.labels(method, "failed" if failed else "ok").inc()
        self._responses.labels(method).observe(seconds)

    def sampled(self, series: str, seconds: float) -> None:
        self._outcomes.labels(OUTCOMES[series]).observe(seconds)

    def count(self, kind: str, users: int) -> None:
        self._users.labels(kind).set(users)
