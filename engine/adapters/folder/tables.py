"""All tables of the folder, in the order of FORMAT.md."""

from engine.adapters.folder import tables_carriers as carriers
from engine.adapters.folder import tables_nodes as nodes
from engine.adapters.folder.spec import Table

TABLES: tuple[Table, ...] = (
    nodes.NODES,
    nodes.HOURS_EXCEPTIONS,
    nodes.SKUS,
    nodes.STOCK,
    nodes.INBOUND,
    nodes.SAFETY_STOCK,
    nodes.CHANNEL_PROTECTION,
    carriers.CARRIERS,
    carriers.CARRIER_HOLIDAYS,
    carriers.SERVICES,
    carriers.ZONE_PREFIXES,
    carriers.ZONE_DISTANCES,
    carriers.ZONE_REGIONS,
    carriers.RATES,
    carriers.SURCHARGES,
    carriers.TRANSIT,
    carriers.COLLECTIONS,
    nodes.LANES,
    nodes.POSTCODES,
)
