"""The tables of carriers: services, zones, rate cards, surcharges, transit, collections."""

from engine.adapters.folder.cells import (
    COUNTRY,
    DATE,
    FLAG,
    ID,
    PREFIX,
    REGION,
    TEXT,
    TIME,
    WEEKDAYS,
    choice,
    whole,
)
from engine.adapters.folder.spec import REQUIRED, col, table
from engine.network.model import (
    Applies,
    Carrier,
    CarrierHoliday,
    Collection,
    Rate,
    Service,
    ServiceKind,
    Surcharge,
    Transit,
    ZoneDistance,
    ZoneRegion,
)

_MONEY = whole(0, 100_000_000)
_WEIGHT = whole(0, 100_000_000)
_SIDE = whole(0, 1_000_000)
_PERMILLE = whole(0, 1_000)
_TIMES = whole(0, 525_600)

CARRIERS = table(
    "carriers",
    Carrier,
    "Who moves parcels.",
    col("carrier_id", ID, "Name of the carrier everywhere.", "laposte"),
    col("name", TEXT, "For people.", "La Poste"),
    col("observes_holidays", FLAG, "No collection and no delivery on public holidays.", "1"),
    key=("carrier_id",),
)

CARRIER_HOLIDAYS = table(
    "carrier_holidays",
    CarrierHoliday,
    "Dates on which a carrier does not run, or does although it is a holiday.",
    col("carrier_id", ID, "The carrier.", "laposte", refers_to="carriers"),
    col("day", DATE, "The date.", "2026-12-26"),
    col("country", COUNTRY, "Where. Empty: everywhere.", "FR"),
    col("region", REGION, "Where in it. Empty: the whole country.", "", trap="Needs a country."),
    col("runs", FLAG, "1: it runs on this date although it is a holiday.", "0"),
    key=("carrier_id", "day", "country", "region"),
)

SERVICES = table(
    "services",
    Service,
    "What carriers sell. At most 63.",
    col("service_id", ID, "Name of the service everywhere.", "colissimo_home", trap="No semicolon."),
    col("carrier_id", ID, "Who sells it.", "laposte", refers_to="carriers"),
    col("name", TEXT, "For people.", "Colissimo domicile"),
    col("kind", choice(ServiceKind), "To the door, to the door by courier, or to a pickup point.", "parcel"),
    col("zone_map", ID, "Which rows of the zone tables tell its zones.", "fr", refers_to="zone maps"),
    col("weight_max_g", whole(1, 100_000_000), "Heaviest parcel it takes.", "30000"),
    col("longest_max_mm", _SIDE, "Longest side it takes. 0: no limit.", "1000"),
    col("length_girth_max_mm", _SIDE, "Longest + 2 (second + third) it takes. 0: no limit.", "1500"),
    col("volume_max_cm3", whole(0), "Largest parcel it takes. 0: no limit.", "0"),
    col("parcels_max", whole(1, 1_000), "Parcels of one shipment.", "5", unit="parcels"),
    col("dim_cm3_per_kg", whole(0, 1_000_000), "Volume charged as 1 kg. 0: volume is free.", "5000"),
    col("dim_min_cm3", whole(0), "Volume is charged above this size only.", "0", unit="cm3"),
    col("fuel_permille", whole(0, 10_000), "Fuel surcharge on base and what it applies to.", "125"),
    col("transit_weekdays", WEEKDAYS, "Days that count as transit.", "Mo-Sa"),
    col("delivery_weekdays", WEEKDAYS, "Days on which it delivers.", "Mo-Sa"),
    col("delivery_start", TIME, "First delivery, local time of the destination.", "08:00"),
    col("delivery_end", TIME, "Last delivery; a promise ends then.", "18:00"),
    col("transit_unit", choice(("day", "minute")), "Unit of its rows in transit.", "day", unit=""),
    col(
        "collect_every_min",
        whole(0, 1_440),
        "Couriers: they come every so many minutes of the node's picking hours. 0: by rows of collections.",
        "30",
        unit="minutes",
    ),
    col("hazardous", FLAG, "Takes hazardous goods.", "0"),
    col("oversize", FLAG, "Takes skus flagged oversize.", "0"),
    col("co2e_g_per_parcel", whole(0, 10_000_000), "Emissions of the last mile.", "250", unit="g CO2e per parcel"),
    col("co2e_g_per_tonne_km", whole(0, 1_000_000), "Emissions of the line haul.", "80", unit="g CO2e per tonne km"),
    key=("service_id",),
)

ZONE_PREFIXES = table(
    "zone_prefixes",
    None,
    "Zones by the postcode prefixes of origin and destination; looked up first.",
    col("zone_map", ID, "The zone map.", "usps", default=REQUIRED),
    col("origin_prefix", PREFIX, "Origin.", "900", trap="All prefixes of a map share one length.", default=REQUIRED),
    col("dest_prefix", PREFIX, "Destination.", "005", trap="Leading zeros count.", default=REQUIRED),
    col("zone", ID, "Their zone.", "8", default=REQUIRED),
    key=("zone_map", "origin_prefix", "dest_prefix"),
)

ZONE_DISTANCES = table(
    "zone_distances",
    ZoneDistance,
    "Zones by distance, for pairs without a prefix row: the first row that reaches far enough.",
    col("zone_map", ID, "The zone map.", "fedex"),
    col("distance_max_m", whole(0, 20_100_000), "Up to this distance, included.", "241400", unit="m"),
    col("zone", ID, "The zone.", "2"),
    key=("zone_map", "distance_max_m"),
)

ZONE_REGIONS = table(
    "zone_regions",
    ZoneRegion,
    "Zones by country and region, for pairs without one of the above: first rows without an empty region, by row.",
    col("zone_map", ID, "The zone map.", "fr"),
    col("origin_country", COUNTRY, "Origin.", "FR"),
    col("origin_region", REGION, "Its region. Empty: any.", "", default=""),
    col("dest_country", COUNTRY, "Destination.", "FR"),
    col("dest_region", REGION, "Its region. Empty: any.", "COR", default=""),
    col("zone", ID, "The zone.", "corsica"),
    key=("zone_map", "origin_country", "origin_region", "dest_country", "dest_region"),
)

RATES = table(
    "rates",
    Rate,
    "Prices of one parcel by charged weight, between dates. Bands are those of the service, over all its zones.",
    col("service_id", ID, "The service.", "colissimo_home", refers_to="services"),
    col("zone", ID, "The zone.", "metro", trap="A zone that lacks a band of the others has no price for it."),
    col("weight_max_g", whole(1, 100_000_000), "Up to this charged weight, included.", "500"),
    col("price_cents", _MONEY, "Price before surcharges and tax.", "695"),
    col("valid_from", DATE, "First ship date. Empty: since ever.", "2026-01-01", trap="Both dates are included."),
    col("valid_to", DATE, "Last ship date. Empty: for ever.", "2026-12-31"),
    col("per_kg_beyond_cents", _MONEY, "On the last band: price of each started kg above it.", "120", unit="cents"),
)

SURCHARGES = table(
    "surcharges",
    Surcharge,
    "Extras of a carrier, per parcel.",
    col("carrier_id", ID, "The carrier.", "laposte", refers_to="carriers"),
    col("code", ID, "Name of the cost on the bill.", "residential"),
    col("service_id", ID, "Only with this service. Empty: all of the carrier.", "", refers_to="services"),
    col("applies", choice(Applies), "When it is due.", "residential"),
    col(
        "threshold",
        whole(0),
        "For *_over: due above this many g (weight_over) or mm.",
        "22680",
        unit="g or mm",
        trap="True weight, not charged weight.",
    ),
    col("zone", ID, "Only to this zone. Empty: all.", ""),
    col("amount_cents", _MONEY, "Amount.", "595"),
    col("permille_of_base", whole(0, 10_000), "And this share of the base price.", "0"),
    col("fuel_applies", FLAG, "The fuel surcharge is taken of it too.", "1"),
    col("exclusive_group", ID, "Of one group only the dearest is due.", "handling"),
    col("charged_weight_min_g", _WEIGHT, "Where due, the parcel is charged as if it weighed this.", "40824", unit="g"),
    col("valid_from", DATE, "First ship date. Empty: since ever.", "2026-10-01"),
    col("valid_to", DATE, "Last ship date. Empty: for ever.", "2027-01-15"),
)

TRANSIT = table(
    "transit",
    Transit,
    "Days (or minutes, see transit_unit) from hand-over to delivery.",
    col("service_id", ID, "The service.", "colissimo_home", refers_to="services"),
    col("zone", ID, "The zone.", "metro"),
    col("earliest", _TIMES, "Never sooner.", "1", unit="days or minutes"),
    col("typical", _TIMES, "By then typical_permille of the parcels are there.", "2", unit="days or minutes"),
    col("latest", _TIMES, "By then latest_permille are.", "4", unit="days or minutes"),
    col("typical_permille", _PERMILLE, "See typical.", "700"),
    col("latest_permille", _PERMILLE, "See latest.", "970", trap="Below the policy's confidence, promises get long."),
    key=("service_id", "zone"),
)

COLLECTIONS = table(
    "collections",
    Collection,
    "When carriers collect at nodes, and until when an order can be released for it (the cut-off).",
    col("node_id", ID, "A node, `*` or `group:NAME`.", "*", refers_to="nodes", wild=True),
    col("service_id", ID, "The service.", "colissimo_home", refers_to="services"),
    col("weekdays", WEEKDAYS, "On these days.", "Mo-Fr"),
    col("cutoff", TIME, "Last local time to release. Empty, like collect: no collection.", "14:00", default=None),
    col("collect", TIME, "Local time of the hand-over; picking ends by then.", "17:30", default=None),
)
