"""Another version of the network is published while orders come in."""

import threading

from engine.desk.publish import Publisher
from tests import builders
from tests.api.http.served import Served, order
from tests.api.http.test_lifecycle_http import done

NEXT = builders.network(version="2", nodes=(*builders.network().nodes, builders.node("new")))


def test_a_network_is_published_by_who_has_seen_the_one_before(shop: Served) -> None:
    shop.app.services.publisher = Publisher(shop.desk, None, lambda: NEXT)
    seen = shop.call("GET", "/v1/network")
    assert (done(seen)["version"], done(seen)["nodes"]) == ("1", 3)
    assert shop.call("POST", "/v1/network:publish", key="1").status_code == 428
    assert shop.call("POST", "/v1/network:publish", key="1", if_match='"other"').status_code == 412
    published = shop.call("POST", "/v1/network:publish", key="1", if_match=seen.headers["etag"])
    assert (done(published)["version"], done(published)["nodes"]) == ("2", 4)
    again = shop.call("POST", "/v1/network:publish", key="1", if_match=seen.headers["etag"])
    assert (again.content, again.headers["idempotency-replayed"]) == (published.content, "true")
    assert shop.call("POST", "/v1/network:publish", key="2", if_match=seen.headers["etag"]).status_code == 412
    assert shop.call("GET", "/v1/network").headers["etag"] == published.headers["etag"]
    assert "new" in {node["node"] for node in done(shop.call("GET", "/v1/nodes"))["nodes"]}
    assert done(shop.call("POST", "/v1/allocations", order(), key="3"))["versions"]["network"] == "2"
    (entry,) = done(shop.call("GET", "/v1/audit?subject=network:test"))["entries"]
    assert (entry["action"], entry["before"]["version"], entry["after"]["version"]) == ("publish_network", "1", "2")


def test_only_an_administrator_publishes(shop: Served) -> None:
    shop.app.services.publisher = Publisher(shop.desk, None, lambda: NEXT)
    tag = shop.call("GET", "/v1/network").headers["etag"]
    planner, admin = shop.make_key("planner"), shop.make_key("admin")
    path = "/v1/network:publish"
    assert shop.call("POST", path, key="1", if_match=tag, authorization=f"Bearer {planner}").status_code == 403
    assert shop.call("POST", path, key="1", if_match=tag, authorization=f"Bearer {admin}").status_code == 200


def test_orders_go_on_while_a_network_is_published(shop: Served) -> None:
    shop.app.services.publisher = Publisher(shop.desk, None, lambda: NEXT)
    tag = shop.call("GET", "/v1/network").headers["etag"]
    found: list[int] = []

    def send() -> None:
        for i in range(15):
            found.append(shop.call("POST", "/v1/allocations", order(f"o{i}"), key=f"o{i}").status_code)

    thread = threading.Thread(target=send)
    thread.start()
    assert shop.call("POST", "/v1/network:publish", key="publish", if_match=tag).status_code == 200
    thread.join()
    assert found == [200] * 15
    held = done(shop.call("GET", "/v1/availability?sku=a&node=wh"))["availability"][0]
    assert held["reserved"] + done(shop.call("GET", "/v1/stock/st/a"))["reserved"] == 15
