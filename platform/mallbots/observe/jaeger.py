"""Jaeger takes traces from the Collector, or, where there is none, from the mall itself."""

import shutil

from mallbots.observe.program import Launch, Program
from mallbots.observe.site import HOST, Site, config_file

GRAFANA_IN_LINKS = "http://localhost:3000"
PORTS = {
    "jaeger": 16686,
    "jaeger.query": 16685,
    "jaeger.health": 13134,
    "jaeger.otlp": 4317,
    "jaeger.metrics": 8887,
}


def prepare(site: Site) -> Launch:
    folder = site.folder("jaeger")
    shutil.copy(config_file("jaeger.yaml"), folder)
    page = config_file("jaeger-ui.json").read_text().replace(GRAFANA_IN_LINKS, site.url("grafana"))
    (folder / "jaeger-ui.json").write_text(page)
    environ = {
        "JAEGER_HOST": HOST,
        "JAEGER_DATA": str(folder / "data"),
        "JAEGER_UI": str(folder / "jaeger-ui.json"),
        "JAEGER_PAGE_PORT": str(site.ports["jaeger"]),
        "JAEGER_QUERY_PORT": str(site.ports["jaeger.query"]),
        "JAEGER_HEALTH_PORT": str(site.ports["jaeger.health"]),
        "JAEGER_OTLP_PORT": str(site.ports["jaeger.otlp"]),
        "JAEGER_METRICS_PORT": str(site.ports["jaeger.metrics"]),
        "PROMETHEUS_URL": site.url("prometheus"),
    }
    return Launch(("--config", folder / "jaeger.yaml"), f"{site.url('jaeger.health')}/status", environ)


JAEGER = Program(
    name="jaeger",
    executables=("jaeger",),
    shows="traces: what happened to this order",
    how_to_get="Jaeger 2 of jaegertracing.io/download, or build it: docs/observability.md says how",
    ports=PORTS,
    prepare=prepare,
    page="/search?service=ordering&lookback=1h",
)
