import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform.endpoints import Endpoint, addresses, announce, previous_address, read_endpoints
from mallbots_platform.errors import Unavailable
from mallbots_platform.settings import Settings

STORES = Endpoint(grpc="127.0.0.1:1", operator="127.0.0.1:2", metrics="127.0.0.1:3", pid=4)


def settings(**changes: Any) -> Settings:
    return Settings(context="depot", database_url="sqlite://", redis_url="redis://", **changes)


def test_what_was_announced_is_found(tmp_path: Path) -> None:
    announce(tmp_path / "new", "stores", STORES)

    assert read_endpoints(tmp_path / "new") == {"stores": STORES}
    assert addresses(settings(endpoints=str(tmp_path / "new")), "stores") == STORES


def test_the_last_announcement_counts(tmp_path: Path) -> None:
    announce(tmp_path, "stores", Endpoint("h:9", "h:9", "h:9", 9))

    announce(tmp_path, "stores", STORES)

    assert read_endpoints(tmp_path) == {"stores": STORES}
    assert [path.name for path in tmp_path.iterdir()] == ["stores.json"]


def test_who_has_not_started_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="stores has not been started yet"):
        addresses(settings(endpoints=str(tmp_path)), "stores")

    assert read_endpoints(tmp_path / "missing") == {}


@pytest.mark.parametrize("content", [b"", b'{"grpc":', b"[]", b"\xff", b'{"grpc":"h:1"}'])
def test_half_an_announcement_is_none(tmp_path: Path, content: bytes) -> None:
    announce(tmp_path, "depot", STORES)
    (tmp_path / "stores.json").write_bytes(content)

    assert read_endpoints(tmp_path) == {"depot": STORES}
    assert previous_address(tmp_path, "stores", "grpc") == ""
    with pytest.raises(Unavailable):
        addresses(settings(endpoints=str(tmp_path)), "stores")


def test_an_announcement_of_a_newer_program_is_read(tmp_path: Path) -> None:
    content = b'{"grpc":"h:1","operator":"h:2","metrics":"h:3","pid":4,"added_later":true}'
    (tmp_path / "stores.json").write_bytes(content)

    assert read_endpoints(tmp_path)["stores"] == Endpoint("h:1", "h:2", "h:3", 4)


def test_without_a_directory_names_say_where() -> None:
    found = addresses(settings(peer_grpc="{context}.mall:1", peer_operator="{context}.mall:2"), "stores")

    assert (found.grpc, found.operator) == ("stores.mall:1", "stores.mall:2")


def test_nobody_reads_half_of_it(tmp_path: Path) -> None:
    stop = threading.Event()

    def announce_again_and_again() -> None:
        while not stop.is_set():
            announce(tmp_path, "stores", STORES)

    announce(tmp_path, "stores", STORES)
    announcing = threading.Thread(target=announce_again_and_again)
    announcing.start()
    try:
        assert all(read_endpoints(tmp_path) == {"stores": STORES} for _ in range(300))
    finally:
        stop.set()
        announcing.join()


def test_an_address_is_taken_again_when_it_is_free(tmp_path: Path) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        addresses = (f"127.0.0.1:{taken.getsockname()[1]}", f"127.0.0.1:{port}", "no address")
        announce(tmp_path, "stores", Endpoint(*addresses, os.getpid()))

        assert previous_address(tmp_path, "stores", "grpc") == ""
        assert previous_address(tmp_path, "stores", "operator") == addresses[1]
        assert previous_address(tmp_path, "stores", "metrics") == ""
        assert previous_address(tmp_path, "depot", "grpc") == ""
