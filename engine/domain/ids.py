"""Identifiers. They come from the caller and are compared as they are, case included."""

from typing import NewType

NodeId = NewType("NodeId", str)
SkuId = NewType("SkuId", str)
CarrierId = NewType("CarrierId", str)
ServiceId = NewType("ServiceId", str)
ZoneId = NewType("ZoneId", str)
OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
