import struct
from array import array
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from loadtests.bench.remote_write import framed, time_series
from telemetry.otlp import varint

FIELDS = descriptor_pb2.FieldDescriptorProto
LABELS = (("__name__", "up"), ("context", "dépôt"))
TIMES = (1_795_640_000_000, 1_795_640_005_000, 1_795_640_010_000)


def read(data: bytes) -> Any:
    """As the protocol's own definition reads it."""
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="remote", syntax="proto3")
    label, sample, series, request = (
        file.message_type.add(name=name) for name in ("Label", "Sample", "TimeSeries", "WriteRequest")
    )
    for number, name in enumerate(("name", "value"), 1):
        label.field.add(name=name, number=number, type=FIELDS.TYPE_STRING, label=FIELDS.LABEL_OPTIONAL)
    sample.field.add(name="value", number=1, type=FIELDS.TYPE_DOUBLE, label=FIELDS.LABEL_OPTIONAL)
    sample.field.add(name="timestamp", number=2, type=FIELDS.TYPE_INT64, label=FIELDS.LABEL_OPTIONAL)
    for of, number, name, type_name in (
        (series, 1, "labels", "Label"),
        (series, 2, "samples", "Sample"),
        (request, 1, "timeseries", "TimeSeries"),
    ):
        of.field.add(
            name=name,
            number=number,
            type=FIELDS.TYPE_MESSAGE,
            label=FIELDS.LABEL_REPEATED,
            type_name=f".remote.{type_name}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("remote.WriteRequest")).FromString(data)


def test_series_arrive_with_labels_times_and_values() -> None:
    values = [0.0, -1.5, float("inf")]
    data = time_series(LABELS, TIMES, array("d", values)) + time_series(LABELS[:1], TIMES[:1], array("d", [7.0]))

    first, second = read(data).timeseries

    assert tuple((each.name, each.value) for each in first.labels) == LABELS
    assert tuple(each.timestamp for each in first.samples) == TIMES
    assert [each.value for each in first.samples] == values
    assert [(each.timestamp, each.value) for each in second.samples] == [(TIMES[0], 7.0)]


def test_a_series_without_values_is_nothing() -> None:
    assert time_series(LABELS, (), array("d")) == b""


@pytest.mark.parametrize(("number", "written"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")])
def test_numbers_take_as_many_bytes_as_they_need(number: int, written: bytes) -> None:
    assert varint(number) == written


def test_a_frame_says_its_length_twice_and_holds_the_data_as_it_is() -> None:
    data = bytes(range(200))

    assert framed(data) == varint(200) + b"\xfc" + struct.pack("<I", 199) + data
