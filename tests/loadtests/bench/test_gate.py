import subprocess
import sys

from loadtests.bench.stage import ROOT


def test_the_memory_of_whoever_started_it_is_not_counted() -> None:
    large = bytearray(b"x" * (200 << 20))
    code = "from loadtests.bench.gate import peak_mib; print(peak_mib())"

    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert len(large) > 0
    assert 5 < float(told.stdout) < 150
