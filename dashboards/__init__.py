"""What an engineer on call looks at: dashboards, recording rules, objectives and alerts, as code.

`python -m dashboards` writes `generated/`, which Grafana and Prometheus read; a test proves it current.
"""
