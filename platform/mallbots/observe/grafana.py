"""Grafana shows all of it; whoever sits at this machine may look without signing in."""

import shutil
from pathlib import Path

from mallbots.observe.program import Launch, Program
from mallbots.observe.site import HOST, Site, dashboards
from mallbots.reporting import Failed


def prepare(site: Site) -> Launch:
    folder, executable = site.folder("grafana"), Path(site.found["grafana"])
    pages = folder / "dashboards"
    pages.mkdir(exist_ok=True)
    for page in (dashboards() / "generated").glob("*.json"):
        shutil.copy(page, pages)
    for part in ("datasources", "dashboards"):
        (folder / "provisioning" / part).mkdir(parents=True, exist_ok=True)
        shutil.copy(dashboards() / "provisioning" / f"{part}.yaml", folder / "provisioning" / part)
    return Launch(
        (
            *(("server",) if executable.name == "grafana" else ()),
            *("--homepath", _home(executable)),
            f"cfg:default.paths.data={folder / 'data'}",
            f"cfg:default.paths.logs={folder / 'data'}",
            f"cfg:default.paths.plugins={folder / 'plugins'}",
            f"cfg:default.paths.provisioning={folder / 'provisioning'}",
        ),
        ready=f"{site.url('grafana')}/api/health",
        environ=_settings() | _places(site, pages),
    )


def _settings() -> dict[str, str]:
    """As in its container."""
    lines = (dashboards() / "provisioning" / "grafana.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _places(site: Site, pages: Path) -> dict[str, str]:
    return {
        "GF_SERVER_HTTP_ADDR": HOST,
        "GF_SERVER_HTTP_PORT": str(site.ports["grafana"]),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(pages / "mallbots-mall-today.json"),
        "PROMETHEUS_URL": site.url("prometheus"),
        "JAEGER_URL": site.url("jaeger"),
        "LOKI_URL": site.url("loki"),
        "ALERTMANAGER_URL": site.url("alertmanager"),
        "DASHBOARDS": str(pages),
    }


def _home(executable: Path) -> Path:
    """Where its pages are. Raises Failed."""
    prefix = executable.resolve().parent.parent
    places = (prefix, prefix / "share" / "grafana", Path("/usr/share/grafana"))
    for place in places:
        if (place / "conf" / "defaults.ini").exists():
            return place
    raise Failed(f"conf/defaults.ini, which belongs to Grafana, is in none of {', '.join(map(str, places))}")


GRAFANA = Program(
    name="grafana",
    executables=("grafana", "grafana-server"),
    shows="all of it: does the mall work?",
    how_to_get="grafana.com/grafana/download; without it, Prometheus' own page answers the same queries, and"
    " dashboards/generated/*.json can be imported into any Grafana",
    ports={"grafana": 3000},
    prepare=prepare,
    page="/d/mallbots-mall-today",
)
