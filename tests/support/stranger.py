"""Any gRPC client: it knows an address and learns everything else by reflection."""

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Stranger:
    """Knows an address, and nothing else."""

    def __init__(self, address: str) -> None:
        self.channel: Any = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)
        self.services = sorted(self.database.get_services())

    @property
    def methods(self) -> dict[str, MethodDescriptor]:
        """Of the mall's own service."""
        (own,) = (name for name in self.services if name.startswith("mallbots."))
        return {method.name: method for method in self.pool.FindServiceByName(own).methods}

    def call(self, name: str, key: str = "", /, **fields: Any) -> Any:
        method = self.methods[name]
        call = self.channel.unary_unary(
            f"/{method.containing_service.full_name}/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        metadata = (("idempotency-key", key),) if key else ()
        return call(GetMessageClass(method.input_type)(**fields), timeout=30.0, metadata=metadata)

    def refusal(self, name: str, key: str = "", /, **fields: Any) -> Any:
        with pytest.raises(grpc.RpcError) as refused:
            self.call(name, key, **fields)
        return refused.value
