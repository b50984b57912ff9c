"""What nodes offer and are, services and methods, as the numbers that kernels compare."""

from engine.domain.order import METHODS, Method
from engine.network.model import NodeKind, Offer, ServiceKind
from engine.network.records import NODE_KIND_CODE, OFFER_BIT, SERVICE_KIND_CODE

# bits of Net.node.offers
SHIP, SAME_DAY = OFFER_BIT[Offer.SHIP], OFFER_BIT[Offer.SAME_DAY]
PICKUP, OUT, IN = OFFER_BIT[Offer.PICKUP], OFFER_BIT[Offer.TRANSFER_OUT], OFFER_BIT[Offer.TRANSFER_IN]
# kinds of nodes, and of services
WAREHOUSE, VENDOR = NODE_KIND_CODE[NodeKind.WAREHOUSE], NODE_KIND_CODE[NodeKind.VENDOR]
POINT = NODE_KIND_CODE[NodeKind.PICKUP_POINT]
PARCEL, COURIER = SERVICE_KIND_CODE[ServiceKind.PARCEL], SERVICE_KIND_CODE[ServiceKind.COURIER]
TO_POINT = SERVICE_KIND_CODE[ServiceKind.PICKUP_POINT]
# bits of an order's methods
M_WAREHOUSE = METHODS.index(Method.SHIP_FROM_WAREHOUSE)
M_STORE = METHODS.index(Method.SHIP_FROM_STORE)
M_DROP = METHODS.index(Method.DROP_SHIP)
M_COLLECT = METHODS.index(Method.CLICK_AND_COLLECT)
M_TO_STORE = METHODS.index(Method.SHIP_TO_STORE)
M_SAME_DAY = METHODS.index(Method.SAME_DAY)
M_POINT = METHODS.index(Method.PICKUP_POINT)
