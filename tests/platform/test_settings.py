import pytest

from mallbots_platform.settings import Settings, WrongSetting

NEEDED = {"MALLBOTS_DATABASE_URL": "sqlite:///data/{context}.db", "MALLBOTS_REDIS_URL": "redis://localhost:6379"}


def settings(**environ: str) -> Settings:
    return Settings.from_environment("stores", NEEDED | {f"MALLBOTS_{name}": text for name, text in environ.items()})


def test_defaults_are_for_one_machine() -> None:
    made = settings()

    assert (made.context, made.database_url) == ("stores", "sqlite:///data/stores.db")
    assert {made.grpc_address, made.operator_address, made.metrics_address} == {"127.0.0.1:0"}
    assert made.partitions == 4
    assert (made.key_prefix, made.installation) == ("mall", "")


@pytest.mark.parametrize("text", ["", "a b", "{mall}", "ä", "mall\n", "x" * 51, "*", "mall/a"])
def test_a_prefix_is_a_name(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"MALLBOTS_KEY_PREFIX is .*, must be 1 to 50 letters, digits and -_.:"):
        settings(KEY_PREFIX=text)


@pytest.mark.parametrize("text", ["a b", "{mall}", "ä", "mall\n", "x" * 101])
def test_an_installation_is_a_name(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"MALLBOTS_INSTALLATION is .*, must be empty, or up to 100 letters, digits"):
        settings(INSTALLATION=text)


def test_every_field_has_its_variable() -> None:
    made = settings(
        GRPC_ADDRESS="[::1]:50051",
        PARTITIONS="8",
        LEASE_SECONDS="2.5",
        RETRY_ATTEMPTS="3",
        RETENTION_SECONDS="60",
        ENDPOINTS="/run/mall",
        PEER_GRPC="{context}.mall:1",
        KEY_PREFIX="mall:west",
        INSTALLATION="mall-west.1",
    )

    assert (made.grpc_address, made.endpoints, made.peer_grpc) == ("[::1]:50051", "/run/mall", "{context}.mall:1")
    assert (made.key_prefix, made.installation) == ("mall:west", "mall-west.1")
    assert (made.partitions, made.lease_seconds, made.retry_attempts, made.retention_seconds) == (8, 2.5, 3, 60.0)


@pytest.mark.parametrize("missing", NEEDED)
def test_what_is_missing_is_named_with_an_example(missing: str) -> None:
    with pytest.raises(WrongSetting, match=f"{missing} is not set: for example (sqlite|redis)://"):
        Settings.from_environment("stores", {name: text for name, text in NEEDED.items() if name != missing})


@pytest.mark.parametrize("name", ["PARTITIONS", "RETRY_ATTEMPTS"])
@pytest.mark.parametrize("text", ["", "four", "1.5", "nan", "0x4"])
def test_a_number_must_be_one(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=f"MALLBOTS_{name} is '{text}', must be a number"):
        settings(**{name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PARTITIONS", "0"),
        ("PARTITIONS", "1025"),
        ("PARTITIONS", "-1"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "inf"),
        ("RETRY_ATTEMPTS", "0"),
        ("RETRY_BASE_SECONDS", "-1"),
        ("RETRY_CAP_SECONDS", "1e99"),
        ("RETENTION_SECONDS", "-5"),
    ],
)
def test_a_number_has_bounds(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=f"MALLBOTS_{name} is .*, must be between .* and "):
        settings(**{name: text})


@pytest.mark.parametrize("text", ["nan", "soon", ""])
def test_seconds_are_a_number(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"MALLBOTS_LEASE_SECONDS is .*, must be a number"):
        settings(LEASE_SECONDS=text)


@pytest.mark.parametrize("text", ["", "50051", "localhost", "localhost:", ":50051", "localhost:port", "h:65536", "h:²"])
@pytest.mark.parametrize("name", ["GRPC_ADDRESS", "OPERATOR_ADDRESS", "METRICS_ADDRESS"])
def test_an_address_is_host_and_port(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=f"MALLBOTS_{name} is '{text}', must be host:port"):
        settings(**{name: text})


@pytest.mark.parametrize("text", ["{contxt}:1", "{context", "{0}:1"])
def test_where_peers_are_names_the_context(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"MALLBOTS_PEER_GRPC is .* with \{context\} where its name goes"):
        settings(PEER_GRPC=text)


def test_a_context_has_settings_of_its_own() -> None:
    made = settings(STORES_SHELF_SECONDS="1.5", DEPOT_SHELF_SECONDS="9")

    assert made.number("SHELF_SECONDS", 30) == 1.5
    assert made.number("PATIENCE_SECONDS", 30) == 30


def test_a_setting_of_its_own_must_be_a_number() -> None:
    with pytest.raises(WrongSetting, match="MALLBOTS_STORES_SHELF_SECONDS is 'long', must be a number"):
        settings(STORES_SHELF_SECONDS="long").number("SHELF_SECONDS", 30)


def test_the_environment_is_not_told_when_settings_are_shown() -> None:
    assert "hunter2" not in repr(settings(PASSWORD="hunter2"))
