import socket

from mallbots.observe.site import HOST, choose_ports, config_file, dashboards


def test_a_port_that_is_free_is_the_one_that_is_wanted() -> None:
    [free] = choose_ports({"any": 0}).values()

    assert choose_ports({"page": free}) == {"page": free}


def test_a_port_that_is_taken_is_replaced() -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        taken = holder.getsockname()[1]

        chosen = choose_ports({"page": taken})

    assert chosen["page"] not in (0, taken)


def test_nobody_gets_the_port_of_another() -> None:
    [free] = choose_ports({"any": 0}).values()

    chosen = choose_ports({"first": free, "second": free, "third": 0, "fourth": 0})

    assert chosen["first"] == free
    assert len(set(chosen.values())) == 4


def test_what_is_configured_is_found_where_compose_finds_it() -> None:
    assert config_file("prometheus.yml").exists()
    assert (dashboards() / "generated" / "alerts.rules.yml").exists()
