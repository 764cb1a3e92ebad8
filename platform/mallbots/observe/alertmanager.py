"""Alertmanager groups what fires; it is alone, so it looks for no others."""

import shutil

from mallbots.observe.program import Launch, Program
from mallbots.observe.site import Site, config_file


def prepare(site: Site) -> Launch:
    folder = site.folder("alertmanager")
    shutil.copy(config_file("alertmanager.yml"), folder)
    return Launch(
        (
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            "--cluster.listen-address=",
            f"--web.listen-address={site.address('alertmanager')}",
            f"--web.external-url={site.url('alertmanager')}",
        ),
        ready=f"{site.url('alertmanager')}/-/ready",
    )


ALERTMANAGER = Program(
    name="alertmanager",
    executables=("alertmanager", "prometheus-alertmanager"),
    shows="who is to be told of what fires",
    how_to_get="Debian's package `prometheus-alertmanager`, or prometheus.io/download",
    ports={"alertmanager": 9093},
    prepare=prepare,
)
