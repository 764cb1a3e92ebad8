"""What shows a running mall, without containers: Prometheus and the rest, as far as they are on the PATH.

They read the files that they read in containers too, `telemetry/config` and `dashboards/`; only where each finds the
others differs. `stack` starts and stops them; each has a module of its own that says how it is started.
"""
