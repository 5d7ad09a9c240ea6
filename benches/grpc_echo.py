"""The echo service for gRPC: its message built at run time with upb, so that no generated code is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from benches import data

FIELD = descriptor_pb2.FieldDescriptorProto
TYPES = {
    "id": FIELD.TYPE_INT64,
    "value": FIELD.TYPE_DOUBLE,
    "flag": FIELD.TYPE_BOOL,
    "name": FIELD.TYPE_STRING,
    "text": FIELD.TYPE_STRING,
}
SERVICE = "bench.Echo"
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
"""The option without which all channels of a process share one connection."""


def message_class() -> Any:
    """Return the class of the message."""
    file = descriptor_pb2.FileDescriptorProto(name="echo.proto", package="bench", syntax="proto3")
    message = file.message_type.add(name="Message")
    for number, (name, kind) in enumerate(TYPES.items(), 1):
        message.field.add(name=name, number=number, type=kind, label=FIELD.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bench.Message"))


def handlers(methods: dict[str, Callable[[Any, Any], Any]]) -> Any:
    """Return what a server of either kind takes: each method gets a message and the context."""
    cls = message_class()
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                method, request_deserializer=cls.FromString, response_serializer=cls.SerializeToString
            )
            for name, method in methods.items()
        },
    )


def call_of(channel: Any, function: str) -> tuple[Callable[..., Any], Any]:
    """Return a function of a channel of either kind, and the message to call it with."""
    cls = message_class()
    called = channel.unary_unary(
        f"/{SERVICE}/{function}", request_serializer=cls.SerializeToString, response_deserializer=cls.FromString
    )
    return called, cls(**data.message())
