"""The event platform: outbox, streams, inbox, sagas and the telemetry of flows. Knows no mall and no context."""
