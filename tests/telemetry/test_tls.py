"""Spans over TLS: who is trusted, and whom a receiver may ask who they are."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from telemetry.transports import GrpcTransport
from tests.support.receivers import ONE_SPAN, posted, transport


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Signed by itself, for 127.0.0.1; its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed here (Debian: apt-get install openssl)")
    place = tmp_path_factory.mktemp("tls")
    files = ("-keyout", str(place / "key.pem"), "-out", str(place / "certificate.pem"))
    wanted = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *wanted]
    subprocess.run(command, check=True, capture_output=True)
    return place / "certificate.pem", place / "key.pem"


def test_a_known_certificate_is_trusted(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.load_verify_locations(certificate[0])
    context.verify_mode = ssl.CERT_REQUIRED

    with posted(context=context) as receiver:
        own = {"CLIENT_CERTIFICATE": str(certificate[0]), "CLIENT_KEY": str(certificate[1])}
        known = transport(receiver.endpoint, CERTIFICATE="/nowhere", TRACES_CERTIFICATE=str(certificate[0]), **own)
        answer = known.send(ONE_SPAN)
        known.close()

    assert answer.taken
    assert receiver.paths == ["/v1/traces"]


def test_an_unknown_certificate_is_not(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    with posted(context=context) as receiver:
        stranger = transport(receiver.endpoint)
        answer = stranger.send(ONE_SPAN)
        stranger.close()

    assert not answer.taken
    assert "certificate" in answer.reason.lower()
    assert receiver.paths == []


def test_grpc_trusts_a_known_certificate(certificate: tuple[Path, Path]) -> None:
    sender = transport("https://127.0.0.1:4317", PROTOCOL="grpc", CERTIFICATE=str(certificate[0]))

    assert isinstance(sender, GrpcTransport)
    sender.close()


def test_a_certificate_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_CERTIFICATE"):
        transport("https://127.0.0.1:4318", CERTIFICATE="/nowhere/at/all.pem")
