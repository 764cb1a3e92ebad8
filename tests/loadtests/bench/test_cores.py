from loadtests.bench.cores import share_out


def test_two_cores_are_shared_out() -> None:
    cores = share_out({0, 1})

    assert (cores.measured, cores.others) == ((1,), (0,))
    assert "core 1" in cores.told


def test_a_machine_of_one_core_is_told() -> None:
    cores = share_out({3})

    assert cores.measured == cores.others == (3,)
    assert "one core" in cores.told
