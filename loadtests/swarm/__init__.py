"""The Locust process: everything in here runs under gevent, and is imported by no other process."""
