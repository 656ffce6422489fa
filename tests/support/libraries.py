"""Readers of a response by libraries that the tests do not depend on, strict and tolerant.

Each library is imported when its reader is called. `libraries` in pyproject.toml installs them.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import importlib
import io
import json
from collections.abc import Mapping
from typing import Any

Response = dict[str, Any]

FIELDS = (
    "createdAt",
    "updatedAt",
    "id",
    "recipient",
    "values",
    "fullMessage",
    "latestStatus",
    "templateBodyId",
    "campaignId",
)
TYPES: dict[str, Any] = {name: dict[str, str] if name == "values" else str for name in FIELDS}


def known(response: Response) -> Response:
    return {name: response[name] for name in FIELDS}


def attributes(message: Any) -> Response:
    return {name: getattr(message, name) for name in FIELDS}


def csv_strict(response: Response) -> Response:
    return written_as_csv(response, "raise")


def csv_tolerant(response: Response) -> Response:
    return written_as_csv(response, "ignore")


def written_as_csv(response: Response, extrasaction: Any) -> Response:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, FIELDS, extrasaction=extrasaction)
    writer.writeheader()
    writer.writerow({**response, "values": json.dumps(response["values"], sort_keys=True)})
    file.seek(0)
    return next(csv.DictReader(file))


def protobuf_strict(response: Response) -> Response:
    return parsed_by_protobuf(response, ignore_unknown_fields=False)


def protobuf_tolerant(response: Response) -> Response:
    return parsed_by_protobuf(response, ignore_unknown_fields=True)


def parsed_by_protobuf(response: Response, *, ignore_unknown_fields: bool) -> Response:
    json_format = importlib.import_module("google.protobuf.json_format")
    message = json_format.ParseDict(
        response, protobuf_class()(), ignore_unknown_fields=ignore_unknown_fields
    )
    return attributes(message) | {"values": dict(message.values)}


@functools.cache
def protobuf_class() -> Any:
    descriptor_pb2 = importlib.import_module("google.protobuf.descriptor_pb2")
    descriptor_pool = importlib.import_module("google.protobuf.descriptor_pool")
    message_factory = importlib.import_module("google.protobuf.message_factory")
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="message.proto", syntax="proto3")
    message = file.message_type.add(name="Message")
    entry = message.nested_type.add(name="ValuesEntry", options={"map_entry": True})
    one = {"type": field.TYPE_STRING, "label": field.LABEL_OPTIONAL}
    for number, name in enumerate(("key", "value"), start=1):
        entry.field.add(name=name, number=number, **one)
    several = {
        "type": field.TYPE_MESSAGE,
        "type_name": "Message.ValuesEntry",
        "label": field.LABEL_REPEATED,
    }
    for number, name in enumerate(FIELDS, start=1):
        message.field.add(name=name, number=number, **(several if name == "values" else one))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Message"))


def fastavro_strict(response: Response) -> Response:
    return written_as_avro(response, strict=True)


def fastavro_tolerant(response: Response) -> Response:
    return written_as_avro(response, strict=False)


def written_as_avro(response: Response, *, strict: bool) -> Response:
    fastavro = importlib.import_module("fastavro")
    values = {"type": "map", "values": "string"}
    fields = [{"name": n, "type": values if n == "values" else "string"} for n in FIELDS]
    schema = fastavro.parse_schema({"type": "record", "name": "Message", "fields": fields})
    file = io.BytesIO()
    fastavro.schemaless_writer(file, schema, response, strict=strict)
    file.seek(0)
    read: Response = fastavro.schemaless_reader(file, schema, None)
    return read


def sqlalchemy_strict(response: Response) -> Response:
    return attributes(sqlalchemy_model()(**response))


def sqlalchemy_tolerant(response: Response) -> Response:
    return attributes(sqlalchemy_model()(**known(response)))


@functools.cache
def sqlalchemy_model() -> Any:
    sqlalchemy = importlib.import_module("sqlalchemy")
    orm = importlib.import_module("sqlalchemy.orm")
    base = type("Base", (orm.DeclarativeBase,), {})
    columns = {
        name: orm.mapped_column(
            sqlalchemy.JSON if name == "values" else sqlalchemy.Text, primary_key=name == "id"
        )
        for name in FIELDS
    }
    return type("Message", (base,), {"__tablename__": "messages", **columns})


def django_strict(response: Response) -> Response:
    return attributes(django_model()(**response))


def django_tolerant(response: Response) -> Response:
    return attributes(django_model()(**known(response)))


@functools.cache
def django_model() -> Any:
    conf = importlib.import_module("django.conf")
    if not conf.settings.configured:
        conf.settings.configure(USE_TZ=True)
    importlib.import_module("django").setup()
    models = importlib.import_module("django.db.models")
    columns = {
        name: models.JSONField() if name == "values" else models.TextField(primary_key=name == "id")
        for name in FIELDS
    }
    meta = type("Meta", (), {"app_label": "messages"})
    return type("Message", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})


def mashumaro_strict(response: Response) -> Response:
    return dataclasses.asdict(mashumaro_class(forbid_extra_keys=True).from_dict(response))


def mashumaro_tolerant(response: Response) -> Response:
    return dataclasses.asdict(mashumaro_class(forbid_extra_keys=False).from_dict(response))


@functools.cache
def mashumaro_class(*, forbid_extra_keys: bool) -> Any:
    mashumaro = importlib.import_module("mashumaro")
    config = importlib.import_module("mashumaro.config")
    own = type("Config", (config.BaseConfig,), {"forbid_extra_keys": forbid_extra_keys})
    return dataclasses.make_dataclass(
        "Message", TYPES.items(), bases=(mashumaro.DataClassDictMixin,), namespace={"Config": own}
    )


def pandas_strict(response: Response) -> Response:
    return framed_by_pandas([list(response.values())])


def pandas_tolerant(response: Response) -> Response:
    return framed_by_pandas([response])


def framed_by_pandas(rows: list[Any]) -> Response:
    pandas = importlib.import_module("pandas")
    frame = pandas.DataFrame(rows, columns=list(FIELDS))
    record: Mapping[str, Any] = frame.to_dict("records")[0]
    return dict(record)
