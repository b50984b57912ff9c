"""The documentation says what is sent: schemas, examples and real answers agree."""

import re
from itertools import count
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from pydantic import BaseModel

from api.http.models.orders import EXAMPLE, AllocateIn
from api.http.settings import PREFIX, Settings, table, table_text
from tests.api.http.served import Served, order


@pytest.fixture
def document(whole: Served) -> Any:
    return whole.call("GET", "/openapi.json").json()


def operations_of(document: Any) -> list[tuple[str, str, Any]]:
    return [(m.upper(), path, op) for path, ops in document["paths"].items() for m, op in ops.items()]


def validator(document: Any, schema: Any) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    for name in re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(document).decode()):
        assert name in document["components"]["schemas"], name


def test_every_operation_says_what_it_does_and_what_it_may_answer(document: Any) -> None:
    ids = [op["operationId"] for _, _, op in operations_of(document)]
    assert len(set(ids)) == len(ids)
    for method, path, op in operations_of(document):
        where = f"{method} {path}"
        assert op["description"], where
        assert {"400", "500", "503"} <= set(op["responses"]), where
        keys = [p for p in op["parameters"] if p["name"] == "Idempotency-Key"]
        assert len(keys) == (method != "GET" and not path.endswith(("/test", "/quotes", "/promises"))), where
        for status, response in op["responses"].items():
            if int(status) >= 400:
                assert "application/problem+json" in response["content"], (where, status)


def test_every_answer_has_an_example_that_its_schema_allows(document: Any) -> None:
    checked = 0
    for method, path, op in operations_of(document):
        for status, response in op["responses"].items():
            for kind, content in response.get("content", {}).items():
                if int(status) < 400 and kind == "application/json":
                    assert "example" in content, (method, path)
                    validator(document, content["schema"]).validate(content["example"])
                    checked += 1
    assert checked > 15


def test_the_example_of_an_order_is_one() -> None:
    assert AllocateIn.model_validate(EXAMPLE).order_id == "o-1001"


def test_bodies_refuse_what_they_do_not_know(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("In"):
            assert schema["additionalProperties"] is False, name


def test_real_answers_are_as_documented(shop: Served, document: Any) -> None:
    numbers = count()

    def check(method: str, template: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = shop.call(method, path, body, key=None if method == "GET" else f"k{next(numbers)}")
        assert answer.status_code == status, answer.text
        kind = answer.headers["content-type"]
        schema = document["paths"][template][method.lower()]["responses"][str(status)]["content"][kind]["schema"]
        validator(document, schema).validate(answer.json())
        return answer.json()

    check("POST", "/v1/allocations", "/v1/allocations", order("o1", quantity=2))
    check("POST", "/v1/allocations", "/v1/allocations", order("o2", quantity=999))
    check("POST", "/v1/allocations", "/v1/allocations", order("o3", partial=True, quantity=999))
    check("POST", "/v1/allocations", "/v1/allocations", order("o4", sku="?"), status=422)
    check("POST", "/v1/allocations:bulk", "/v1/allocations:bulk", {"orders": [order("b1"), order("b2", sku="?")]})
    check("GET", "/v1/reservations/{reservation_id}", "/v1/reservations/o1")
    check("GET", "/v1/reservations", "/v1/reservations")
    check("GET", "/v1/decisions", "/v1/decisions?order_id=o1")
    body = {"rejection_id": "r1", "reservation_id": "o1", "part": 1, "reason": "damaged", "whole_part": True}
    check("POST", "/v1/rejections", "/v1/rejections", body | {"lines": [{"line_id": "1", "units": 1}]})
    check("GET", "/v1/exceptions", "/v1/exceptions")
    check("GET", "/v1/backorders", "/v1/backorders")
    check("GET", "/v1/nodes", "/v1/nodes")
    check("GET", "/v1/nodes/{node}", "/v1/nodes/wh")
    key = {"name": "x", "scopes": ["admin"]}
    made = check("POST", "/v1/keys", "/v1/keys", key, status=201)
    shop.client.headers["x-api-key"] = made["token"]
    shop.ticks[0] += 100
    check("GET", "/v1/keys", "/v1/keys")
    check("GET", "/v1/audit", "/v1/audit")
    check("DELETE", "/v1/keys/{key_id}", f"/v1/keys/{made['key_id']}")


def test_every_field_of_a_body_is_documented_with_its_limits() -> None:
    def unlimited(model: type[BaseModel]) -> list[str]:
        schema = model.model_json_schema()
        found = []
        for name, part in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
            for field, one in part.get("properties", {}).items():
                kinds = [one, *one.get("anyOf", [])]
                limits = {"maxLength", "format", "pattern", "enum"}
                if any(k.get("type") == "string" and not limits & set(k) for k in kinds):
                    found.append(f"{name}.{field}")
                if any(k.get("type") == "array" and "maxItems" not in k for k in kinds):
                    found.append(f"{name}.{field}")
        return found

    assert unlimited(AllocateIn) == []


def test_the_table_of_settings_has_all_of_them() -> None:
    rows = {row.variable: row for row in table()}
    assert set(rows) == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert all(row.meaning for row in rows.values())
    assert all(row.variable in table_text() for row in rows.values())
    assert not any(row.default for name, row in rows.items() if "SECRET" in name or "PASSWORD" in name)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCEWISE_PORT", "8123")
    monkeypatch.setenv("SOURCEWISE_DOCS", "false")
    assert (Settings().port, Settings().docs) == (8123, False)
    monkeypatch.setenv("SOURCEWISE_PORT", "70000")
    with pytest.raises(ValueError, match="port"):
        Settings()
