from mallbots.actors.shelves import Shelves


def test_what_runs_out_is_missing_for_its_order_only() -> None:
    shelves = Shelves()
    shelves.run_out("order-1", "atlas", 2)

    assert shelves.missing("order-1", "atlas") == 2
    assert shelves.missing("order-2", "atlas") == shelves.missing("order-1", "poems") == 0


def test_a_robot_falls_silent_once() -> None:
    shelves = Shelves()
    shelves.silence("order-1")

    assert not shelves.falls_silent("order-2")
    assert shelves.falls_silent("order-1")
    assert not shelves.falls_silent("order-1")


def test_a_robot_is_held_up_until_it_is_let_through() -> None:
    shelves = Shelves()
    shelves.hold_up("order-1")

    assert shelves.is_held_up("order-1") and not shelves.is_held_up("order-2")
    shelves.let_through("order-1")
    shelves.let_through("order-2")
    assert not shelves.is_held_up("order-1")
