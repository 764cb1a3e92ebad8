"""The Collector takes the mall's spans, measures them, and passes them on to what runs."""

import os
import subprocess
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from mallbots.directories import log_file
from mallbots.observe.program import Launch, Program
from mallbots.observe.site import HOST, Site, config_file

SECTIONS = ("extensions", "receivers", "processors", "connectors", "exporters")
KINDS_SECONDS = 60.0
PORTS = {
    "collector": 13133,
    "collector.grpc": 4317,
    "collector.http": 4318,
    "collector.metrics": 8888,
    "collector.spans": 8889,
    "collector.stores": 8890,
}


def prepare(site: Site) -> Launch:
    config = yaml.safe_load(config_file("collector.yaml").read_text())
    absent = unknown_to(site.found["collector"], config) | _away(site)
    path = site.folder("collector") / "collector.yaml"
    path.write_text(yaml.safe_dump(without(config, absent), sort_keys=False))
    return Launch((f"--config={path}",), ready=site.url("collector"), environ=_environment(site))


def without(config: dict[str, Any], absent: Collection[str]) -> dict[str, Any]:
    """Components of these names or kinds are left out everywhere, and so is what then has nothing to do."""
    left_out, idle = set(absent), set(absent)
    pipelines: dict[str, Any] = config["service"]["pipelines"]
    while idle:
        pipelines = _complete({name: _thinned(each, left_out) for name, each in pipelines.items()})
        received, exported = _used(pipelines, "receivers"), _used(pipelines, "exporters")
        idle = {name for name in config["connectors"] if (name in received) != (name in exported)}
        left_out |= idle
    used = _used(pipelines, "receivers", "processors", "exporters") | set(config["service"]["extensions"])
    sections = {name: {each: parts[each] for each in parts if each in used} for name, parts in _sections(config)}
    return config | sections | {"service": config["service"] | {"pipelines": pipelines}}


def unknown_to(program: str, config: Mapping[str, Any]) -> frozenset[str]:
    """Kinds of component that the configuration names and this build does not have."""
    asked = subprocess.run([program, "components"], capture_output=True, text=True, timeout=KINDS_SECONDS, check=False)
    told = yaml.safe_load(asked.stdout) or {} if asked.returncode == 0 else {}
    known = {each["name"] for section in SECTIONS for each in told.get(section, [])}
    named = {_kind(name) for _, parts in _sections(config) for name in parts}
    return frozenset(named - known) if known else frozenset()


def _away(site: Site) -> frozenset[str]:
    """What would only say that nobody answers."""
    there = {
        "otlp_grpc/jaeger": "jaeger" in site.ports,
        "otlp_http/loki": "loki" in site.ports,
        "postgresql": bool(_postgresql()),
    }
    return frozenset(name for name, is_there in there.items() if not is_there)


def _environment(site: Site) -> dict[str, str]:
    redis = urlsplit(site.redis_url)
    return {
        "COLLECTOR_HOST": HOST,
        "COLLECTOR_HEALTH_PORT": str(site.ports["collector"]),
        **{f"COLLECTOR_{name.upper()}_PORT": str(site.ports[f"collector.{name}"]) for name in _LISTENERS},
        "JAEGER_OTLP": site.url("jaeger.otlp").removeprefix("http://"),
        "LOKI_OTLP": f"{site.url('loki')}/otlp",
        "MALLBOTS_LOGS": str(log_file(site.data, "").parent),
        "REDIS_ADDRESS": f"{redis.hostname}:{redis.port or 6379}",
        "REDIS_PASSWORD": unquote(redis.password or ""),
        **_postgresql(),
    }


_LISTENERS = ("grpc", "http", "metrics", "spans", "stores")


def _postgresql() -> dict[str, str]:
    """Where contexts keep their data, if it is there."""
    url = urlsplit(os.environ.get("MALLBOTS_DATABASE_URL", ""))
    if not url.scheme.startswith("postgres"):
        return {}
    return {
        "POSTGRES_ADDRESS": f"{url.hostname}:{url.port or 5432}",
        "POSTGRES_USER": unquote(url.username or ""),
        "POSTGRES_PASSWORD": unquote(url.password or ""),
    }


def _thinned(pipeline: Mapping[str, list[str]], left_out: Collection[str]) -> dict[str, list[str]]:
    return {
        part: [each for each in names if each not in left_out and _kind(each) not in left_out]
        for part, names in pipeline.items()
    }


def _complete(pipelines: Mapping[str, dict[str, list[str]]]) -> dict[str, Any]:
    return {name: each for name, each in pipelines.items() if each["receivers"] and each["exporters"]}


def _used(pipelines: Mapping[str, Any], *parts: str) -> set[str]:
    return {name for pipeline in pipelines.values() for part in parts for name in pipeline.get(part, [])}


def _sections(config: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(section, config[section]) for section in SECTIONS]


def _kind(name: str) -> str:
    return name.partition("/")[0]


COLLECTOR = Program(
    name="collector",
    executables=("otelcol-contrib", "otelcol-mallbots", "otelcol"),
    shows="whether spans are taken",
    how_to_get="`otelcol-contrib` of OpenTelemetry's releases, or build one: docs/observability.md says how",
    ports=PORTS,
    prepare=prepare,
)
