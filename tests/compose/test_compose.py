import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.boards import BOARDS
from loadtests.instructions import from_argument
from mallbots.directories import CONTEXTS
from tests.compose.composition import ROOT, load, mebibytes, services, text, variables

SERVICES = services()
OBSERVERS = {"collector", "jaeger", "prometheus", "alertmanager", "loki", "grafana"}
every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def schema_says(composed: dict[str, Any], folder: Path) -> str:
    """What the schema of Compose's own specification has against it; empty when nothing."""
    path = folder / "docker-compose.yml"
    path.write_text(yaml.safe_dump(composed))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return "" if told.returncode == 0 else told.stdout


def test_the_file_is_what_compose_takes(tmp_path: Path) -> None:
    assert schema_says(load(), tmp_path) == ""


def test_a_misspelt_field_is_found(tmp_path: Path) -> None:
    composed = load()
    composed["services"]["redis"]["mem_limits"] = "1g"

    assert "mem_limits" in schema_says(composed, tmp_path)


def test_everything_that_is_needed_is_there() -> None:
    assert SERVICES.keys() == {*CONTEXTS, *OBSERVERS, "start", "postgres", "redis", "locust"}


def test_the_core_is_the_mall_and_what_it_stands_on() -> None:
    assert services("core").keys() == {*CONTEXTS, "start", "postgres", "redis"}
    assert services("full").keys() == SERVICES.keys() - {"locust"}
    assert services("load").keys() == {"locust"}


@every_service
def test_every_service_has_a_limit_and_tells_how_it_is(service: dict[str, Any]) -> None:
    assert mebibytes(service["mem_limit"]) > 0
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout"} <= service["healthcheck"].keys()


def test_a_context_is_asked_whether_it_can_answer_calls() -> None:
    asked = {SERVICES[context]["healthcheck"]["test"][-1] for context in CONTEXTS}

    assert len(asked) == 1
    assert "127.0.0.1:9464/readyz" in asked.pop()


def test_the_whole_takes_four_gibibytes_and_the_core_two() -> None:
    whole, core = (sum(mebibytes(each["mem_limit"]) for each in part.values()) for part in (SERVICES, services("core")))

    assert whole <= 4096
    assert core <= 2048


@every_service
def test_nobody_is_root(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*:\d+|redis", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@every_service
def test_nothing_of_the_host_is_mounted(service: dict[str, Any]) -> None:
    named = load()["volumes"].keys()

    assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= named


@every_service
def test_nothing_listens_beyond_this_machine(service: dict[str, Any]) -> None:
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []


@every_service
def test_every_image_has_an_exact_version(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-alpine\d+\.\d+)?", service["image"])


def test_no_two_services_want_the_same_port() -> None:
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]

    assert sorted(ports) == sorted(set(ports))


def test_everything_that_is_kept_is_kept_in_a_volume_of_its_own() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

    assert used == load()["volumes"].keys()
    assert {"jaeger", "prometheus", "loki", "grafana", "postgres", "redis"} <= used


def test_every_configuration_is_there_and_is_used() -> None:
    configs = load()["configs"]
    used = {each["source"] for service in SERVICES.values() for each in service.get("configs", [])}

    assert used == configs.keys()
    assert [each["file"] for each in configs.values() if "file" in each and not (ROOT / each["file"]).is_file()] == []


@every_service
def test_what_is_read_only_gets_files_alone(service: dict[str, Any]) -> None:
    written_here = {name for name, each in load()["configs"].items() if "content" in each}
    given = {each["source"] for each in service.get("configs", [])}

    assert not (service.get("read_only") and given & written_here)


def test_grafana_gets_every_dashboard() -> None:
    given = {each["target"] for each in SERVICES["grafana"]["configs"]}

    assert {f"/etc/mallbots/dashboards/{board.uid}.json" for board in BOARDS} <= given


def test_each_context_has_a_database_of_its_own() -> None:
    made = set(re.findall(r"CREATE DATABASE (\w+);", load()["configs"]["databases"]["content"]))
    urls = {SERVICES[context]["environment"]["MALLBOTS_DATABASE_URL"] for context in CONTEXTS}

    assert made == set(CONTEXTS)
    assert urls == {"postgresql://mallbots:mallbots@postgres:5432/{context}"}
    assert SERVICES["postgres"]["healthcheck"]["test"][-1] == CONTEXTS[-1]


def test_redis_evicts_nothing_and_keeps_what_it_has() -> None:
    options = " ".join(SERVICES["redis"]["command"])

    assert "--maxmemory-policy noeviction" in options
    assert "--appendonly yes" in options


def test_the_example_names_every_variable_with_its_default() -> None:
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    example = dict(line.split("=", 1) for line in lines)

    assert example.pop("COMPOSE_PROFILES") == "full"
    assert example == {name: default for name, default in variables().items() if name != "context"}


def test_the_entry_page_links_to_everything_with_a_page() -> None:
    page = load()["configs"]["start-page"]["content"]
    shown = {"grafana": 3000, "jaeger": 16686, "prometheus": 9090, "alertmanager": 9093, "locust": 8089}

    assert [name for name, port in shown.items() if f"http://localhost:{port}" not in page] == []
    assert all(f"{context} 5006{place}" in page for place, context in enumerate(CONTEXTS, 1))


def test_the_collector_may_use_no_more_than_its_container_has() -> None:
    collector = (ROOT / "telemetry" / "config" / "collector.yaml").read_text()
    [limit] = re.findall(r"limit_mib: (\d+)", collector.partition("spike")[0])

    assert int(limit) < mebibytes(SERVICES["collector"]["mem_limit"])


def test_no_secret_stands_in_the_file() -> None:
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD"):
        assert variables()[name] == "mallbots"
    assert not re.search(r"(?i)password: (?!\$\{)", text())


def test_images_of_ours_are_small_and_carry_only_what_they_run() -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()

    assert kept[0] == "*"
    assert {"!tests", "!docs", "!.git"} & set(kept) == set()


def test_stages_that_are_run_are_nobodys_root() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)[1:]
    by_name = {re.search(r" AS (\S+)", stage)[1]: stage for stage in stages if " AS " in stage}  # type: ignore[index] # it is there

    built = {service["build"]["target"] for service in SERVICES.values() if "build" in service}

    assert built == {"mall", "load", "collector"}
    assert "USER 10001:10001" in by_name["base"]
    assert by_name["mall"].startswith("base AS")
    assert by_name["load"].startswith("base AS")


def test_base_images_have_exact_versions() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), flags=re.M)
    others = [base for base in bases if ":" in base]

    assert [base for base in others if not re.search(r":\d+\.\d+\.\d+", base)] == []


def test_the_load_generator_is_told_where_everybody_is() -> None:
    told = from_argument(" ".join(SERVICES["locust"]["command"]))

    assert told.addresses == {context: f"{context}:50051" for context in CONTEXTS}
    assert SERVICES["locust"]["environment"]["MALLBOTS_LOAD_HOSTS"].split(",") == list(CONTEXTS)


def test_the_overlay_is_one_of_those_given_to_the_collector() -> None:
    given = {each["target"] for each in SERVICES["collector"]["configs"]}

    assert variables()["COLLECTOR_OVERLAY"] in given
    assert "/etc/collector/tail-sampling.yaml" in given


def test_paths_in_commands_are_mounted() -> None:
    for name in ("jaeger", "loki", "alertmanager", "prometheus"):
        service = SERVICES[name]
        given = {each["target"] for each in service["configs"]}
        wanted = {str(Path(part.split("=")[-1])) for part in service["command"] if part.endswith((".yaml", ".yml"))}
        assert wanted <= given, name
