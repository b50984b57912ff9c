"""Whether the service lives and is ready, and its metrics. Asked by machines that have no key."""

import msgspec
from fastapi.responses import Response

from api.http.call import CallDep, Ready
from api.http.health import HealthDoc
from api.http.metrics import CONTENT_TYPE
from api.http.operations import Operations
from api.http.ops import ops_of

operations = Operations("operations")
WELL = {"ok": True, "checks": {"ledger": "ok", "desk": "ok", "view": "ok", "feed": "ok"}}


@operations.add("GET", "/health/live", answer=HealthDoc, example={"ok": True, "checks": {}})
async def live(call: CallDep) -> Response:
    """Whether the process answers at all, and its desk can; one that does not should be started anew. 503 where not."""
    if not ops_of(call).desk.thread.is_alive():  # it broke: no call that changes something would ever be answered
        return Ready(b'{"ok":false,"checks":{"desk":"has ended"}}', 503)
    return Ready(b'{"ok":true,"checks":{}}')


@operations.add("GET", "/health/ready", answer=HealthDoc, example=WELL)
async def ready(call: CallDep) -> Response:
    """
    Whether calls should be sent here: the ledger answers, the desk works, the view is close to the ledger.

    503 where not, with what is wrong; also while the service goes down.
    """
    found = await ops_of(call).health.ready()
    return Ready(msgspec.json.encode(found), 200 if found.ok else 503)


@operations.add("GET", "/metrics", answer=str, media_type="text/plain")
async def metrics(call: CallDep) -> Response:
    """Metrics for Prometheus."""
    return Ready(ops_of(call).metrics.text(), media_type=CONTENT_TYPE.encode())
