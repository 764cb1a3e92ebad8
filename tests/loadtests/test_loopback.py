import socket

from pytest import MonkeyPatch, mark, raises

from loadtests.loopback import is_free, must_be_loopback
from mallbots.reporting import Failed


@mark.parametrize("address", ["127.0.0.1:50051", "127.8.9.10:1", "localhost:80", "[::1]:50051"])
def test_this_machine_may_be_loaded(address: str) -> None:
    assert must_be_loopback(address) == address


@mark.parametrize(
    "address",
    [
        "10.0.0.1:50051",
        "0.0.0.0:50051",
        "example.org:80",
        "127.0.0.1.example.org:80",
        "8.8.8.8:53",
        "",
        ":80",
        "[::]:1",
    ],
)
def test_no_other_machine_may_be_loaded(address: str) -> None:
    with raises(Failed, match="loopback"):
        must_be_loopback(address)


def test_in_a_network_of_containers_hosts_are_named(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MALLBOTS_LOAD_HOSTS", "stores,baskets")

    assert must_be_loopback("stores:50051") == "stores:50051"
    for other in ("depot:50051", "stores.example.org:50051", ":50051"):
        with raises(Failed):
            must_be_loopback(other)


def test_a_place_where_somebody_listens_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        assert not is_free(address)

    assert is_free(address)


@mark.parametrize("address", ["127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_a_place_needs_a_port(address: str) -> None:
    with raises(Failed, match="host:port"):
        is_free(address)
