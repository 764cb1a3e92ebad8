"""Loki keeps the lines that the Collector reads out of the mall's log files."""

import yaml

from mallbots.observe.program import Launch, Program
from mallbots.observe.site import HOST, Site, config_file

IN_A_CONTAINER = ": /loki"


def prepare(site: Site) -> Launch:
    folder = site.folder("loki")
    text = config_file("loki.yaml").read_text().replace(IN_A_CONTAINER, f": {folder / 'data'}")
    config = yaml.safe_load(text)
    config["server"] |= {
        "http_listen_address": HOST,
        "http_listen_port": site.ports["loki"],
        "grpc_listen_address": HOST,
        "grpc_listen_port": site.ports["loki.grpc"],
    }
    path = folder / "loki.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    # Whether it may be asked it says much later: it first waits for others, who will not come.
    return Launch((f"-config.file={path}",), f"{site.url('loki')}/loki/api/v1/status/buildinfo")


LOKI = Program(
    name="loki",
    executables=("loki",),
    shows="nothing itself: its lines are seen in Grafana",
    how_to_get="the package `loki` of Grafana's repository, or its releases; without it, lines are in <data>/logs",
    ports={"loki": 3100, "loki.grpc": 9095},
    prepare=prepare,
    page="/metrics",
)
