"""The tables of places and goods: nodes, hours, skus, stock, lanes, postcodes."""

from engine.adapters.folder.cells import (
    CLASS_RATES,
    COUNTRY,
    DATE,
    DAY_HOURS,
    FLAG,
    HOURS,
    ID,
    INSTANT,
    PREFIX,
    REGION,
    TEXT,
    TIME,
    TZ,
    WEEKDAYS,
    choice,
    many,
    number,
    whole,
)
from engine.adapters.folder.spec import REQUIRED, col, table
from engine.network.model import (
    Area,
    ChannelProtection,
    HoursException,
    Inbound,
    Lane,
    Node,
    NodeKind,
    Offer,
    SafetyStock,
)

_MONEY = whole(0, 10_000_000)
_SECONDS = whole(0, 30 * 86_400)
_COUNT = whole(0)
_SIDE = whole(0, 100_000)

NODES = table(
    "nodes",
    Node,
    "Places that hold stock and serve orders, or where customers collect. One row per node.",
    col("node_id", ID, "Name of the node everywhere.", "WH1", trap="`*` and `group:…` are reserved; no semicolon."),
    col("name", TEXT, "For people.", "Lyon Part-Dieu"),
    col("kind", choice(NodeKind), "What it is; decides which method a parcel from here is.", "warehouse"),
    col("lat", number(-90, 90), "Latitude, WGS 84.", "45.761", unit="degrees", trap="0,0 is refused: not geocoded."),
    col("lon", number(-180, 180), "Longitude, WGS 84.", "4.857", unit="degrees", trap="Often swapped with lat."),
    col("postcode", ID, "Origin of zones by prefix.", "69003", trap="Spreadsheets drop leading zeros."),
    col("country", COUNTRY, "Country of its public holidays and zones.", "FR", trap="GB, not UK."),
    col("region", REGION, "Subdivision, for holidays and zones.", "ARA", trap="`CA`, not `US-CA`."),
    col("tz", TZ, "Its local time, of all its hours and cut-offs.", "Europe/Paris", trap="Not CET, not UTC+1."),
    col("groups", many(ID), "Groups it belongs to, for rules and for `group:NAME`.", "north;city", trap="At most 63."),
    col("opening_hours", HOURS, "When customers can collect. Empty: never.", "Mo-Sa 09:00-19:30; PH off"),
    col(
        "picking_hours",
        HOURS,
        "When work is done. Empty: opening_hours.",
        "Mo-Fr 06:00-22:00",
        trap="Without `PH off` it works on public holidays.",
    ),
    col(
        "offers",
        many(choice(Offer)),
        "What it does: ship parcels, pickup, source (transfer_out) or target (transfer_in) of ship to store, same_day.",
        "ship;pickup",
        trap="`none` for nothing; empty means ship.",
    ),
    col("handling_order_s", _SECONDS, "Working time per shipment.", "120"),
    col("handling_line_s", _SECONDS, "Working time per line of it.", "45"),
    col("receiving_s", _SECONDS, "Time from a transfer's arrival to ready.", "3600"),
    col("capacity_day_orders", _COUNT, "Shipments per local day. Empty: no limit.", "400", trap="0 closes the node."),
    col("capacity_day_units", _COUNT, "Units per local day. Empty: no limit.", "1500"),
    col("capacity_hour_orders", _COUNT, "Shipments per clock hour. Empty: no limit.", "40"),
    col("capacity_hour_units", _COUNT, "Units per clock hour. Empty: no limit.", "150"),
    col("backlog_s", whole(0, 366 * 86_400), "Working time already queued at `as_of`.", "5400"),
    col("cost_order_cents", _MONEY, "Cost of a shipment.", "80"),
    col("cost_line_cents", _MONEY, "Cost of a line.", "20"),
    col("cost_unit_cents", _MONEY, "Cost of a unit.", "5"),
    col("labour_cents_per_hour", _MONEY, "Price of the handling time.", "2400"),
    col("packaging_cents", _MONEY, "Per parcel that a carrier takes.", "35"),
    col("priority", whole(0, 1_000), "0 is best; the policy prices each step.", "1", unit="steps"),
    col(
        "safety_stock",
        _COUNT,
        "Units of each sku held back.",
        "2",
        unit="units",
        trap="A row of safety_stock wins over it.",
    ),
    col("rejection_ppm", whole(0, 1_000_000), "How often the pick of a line fails.", "20000"),
    col(
        "rejection_by_class",
        CLASS_RATES,
        "Likewise of skus of a class, in place of it.",
        "shoes=35000;hats=8000",
        unit="ppm",
        trap="Classes as in skus.",
    ),
    col("markdown_ppm_per_day", whole(0, 1_000_000), "Share of value a unit loses per day that it lies here.", "1500"),
    key=("node_id",),
    required=True,
)

HOURS_EXCEPTIONS = table(
    "hours_exceptions",
    HoursException,
    "Dates on which a node works other hours than usual.",
    col("node_id", ID, "The node.", "WH1", refers_to="nodes"),
    col("day", DATE, "Its local date.", "2026-12-24"),
    col("hours", DAY_HOURS, "The hours that replace the day's.", "09:00-13:00"),
    col("applies_to", choice(("opening", "picking", "both")), "Which hours.", "both"),
    key=("node_id", "day", "applies_to"),
)

SKUS = table(
    "skus",
    None,
    "Articles. One row per sku, packed for sending.",
    col("sku", ID, "Name of the article everywhere.", "A-1001", trap="`a-1001` is another sku.", default=REQUIRED),
    col("weight_g", whole(0, 10_000_000), "Weight of one unit.", "450", trap="0 is a warning.", default=REQUIRED),
    col("volume_cm3", _COUNT, "Volume of one unit. Empty: product of the sides, rounded up.", "2400", default=-1),
    col("longest_mm", _SIDE, "Longest side.", "300", trap="Millimetres; sides sorted.", default=0),
    col("second_mm", _SIDE, "Second side.", "200", default=0),
    col("third_mm", _SIDE, "Third side.", "40", default=0),
    col("value_cents", whole(0, 1_000_000_000), "Value of one unit, for markdown and rules.", "1999", default=0),
    col("ships_alone", FLAG, "Travels with no other line.", "0", default=False),
    col("never_split", FLAG, "The quantity of a line comes from one node.", "0", default=False),
    col("hazardous", FLAG, "Only with services that take hazardous goods.", "0", default=False),
    col("oversize", FLAG, "Only with services that take oversize.", "0", default=False),
    col("sku_class", ID, "What it is like to pick, for rates of failed picks.", "shoes", default=""),
    col("node_groups", many(ID), "Only from nodes of these groups. Empty: any.", "", refers_to="groups", default=()),
    col("services", many(ID), "Only with these services. Empty: any.", "", refers_to="services", default=()),
    key=("sku",),
    required=True,
)

STOCK = table(
    "stock",
    None,
    "Stock at `as_of`. One row per node and sku; a pair without a row has none.",
    col("node_id", ID, "The node.", "WH1", refers_to="nodes", default=REQUIRED),
    col("sku", ID, "The article.", "A-1001", refers_to="skus", default=REQUIRED),
    col("on_hand", _COUNT, "Units there.", "12", unit="units", trap="Negative is refused: write 0.", default=REQUIRED),
    col("reserved", _COUNT, "Units of them already promised.", "3", unit="units", default=0),
    col("days_of_cover", whole(0, 36_500), "How long a unit would lie there otherwise.", "40", unit="days", default=0),
    key=("node_id", "sku"),
    required=True,
)

INBOUND = table(
    "inbound",
    Inbound,
    "Units due at nodes. Used where the policy says use_inbound.",
    col("node_id", ID, "The node.", "WH1", refers_to="nodes"),
    col("sku", ID, "The article.", "A-1001", refers_to="skus"),
    col("units", whole(1), "Units due."),
    col("available_at", INSTANT, "When they can be picked.", "2026-04-02T08:00:00+02:00", trap="Needs a zone."),
)

SAFETY_STOCK = table(
    "safety_stock",
    SafetyStock,
    "Units held back; the most specific row wins (sku and channel, sku, channel, neither).",
    col("node_id", ID, "The node.", "WH1", refers_to="nodes"),
    col("sku", ID, "The article. Empty: each sku of the node.", "A-1001", refers_to="skus", default=None),
    col("channel", ID, "From this channel only. Empty: from all.", "web", default=""),
    col("units", _COUNT, "Units held back.", "2"),
    key=("node_id", "sku", "channel"),
)

CHANNEL_PROTECTION = table(
    "channel_protection",
    ChannelProtection,
    "Units that only one channel may use.",
    col("node_id", ID, "The node.", "WH1", refers_to="nodes"),
    col("sku", ID, "The article.", "A-1001", refers_to="skus"),
    col("channel", ID, "The channel they are for.", "web"),
    col("units", _COUNT, "Units.", "10"),
    key=("node_id", "sku", "channel"),
)

LANES = table(
    "lanes",
    Lane,
    "Transfers between nodes, for ship to store.",
    col("origin", ID, "From: a node, `*` or `group:NAME`.", "WH1", refers_to="nodes", wild=True),
    col("target", ID, "To: a node, `*` or `group:NAME`.", "group:city", refers_to="nodes", wild=True),
    col("weekdays", WEEKDAYS, "Days of departure at the origin.", "Mo-Fr"),
    col("cutoff", TIME, "Last local time to release.", "12:00", trap="Not after depart."),
    col("depart", TIME, "Local time of departure; picking ends by then.", "18:00"),
    col("transit_days", whole(0, 365), "Calendar days to the arrival.", "1"),
    col("arrive", TIME, "Local time of the target.", "07:30"),
    col("cost_order_cents", _MONEY, "Cost of a shipment.", "60"),
    col("cost_unit_cents", _MONEY, "Cost of a unit.", "10"),
    col("co2e_g_per_tonne_km", whole(0, 1_000_000), "Emissions.", "90"),
)

POSTCODES = table(
    "postcodes",
    Area,
    "Where postcodes, or prefixes of them, are. The longest prefix that fits a postcode wins.",
    col("country", COUNTRY, "Country.", "FR"),
    col("prefix", PREFIX, "Postcode or its first characters.", "69003", trap="Spreadsheets drop leading zeros."),
    col("lat", number(-90, 90), "Latitude of its centre.", "45.755", unit="degrees"),
    col("lon", number(-180, 180), "Longitude of its centre.", "4.867", unit="degrees"),
    col("region", REGION, "Subdivision, for holidays and zones.", "ARA", default=""),
    col("tz", TZ, "Local time of deliveries.", "Europe/Paris"),
    col("remote", FLAG, "Surcharges for remote areas apply.", "0"),
    col("population", whole(0, 2_000_000_000), "People living there, for demand.", "76000", unit="people"),
    key=("country", "prefix"),
)
