"""The first ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the database here from the revision before."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, autoincrement=False, nullable=False),
        sa.Column("secret_hash", TEXT, autoincrement=False, nullable=False),
        sa.Column("scopes", TEXT, autoincrement=False, nullable=False),
        sa.Column("rate_per_minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revoked_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "audit",
        sa.Column("audit_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.Column("action", TEXT, autoincrement=False, nullable=False),
        sa.Column("subject", TEXT, autoincrement=False, nullable=False),
        sa.Column("before_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("after_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("trace_id", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("audit_no"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "backorders",
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("line_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", TEXT, autoincrement=False, nullable=False),
        sa.Column("priority", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("promise_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expected_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, autoincrement=False, nullable=False),
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line_id"),
    )
    with op.batch_alter_table("backorders", schema=None) as batch_op:
        batch_op.create_index("backorders_state_sku_no", ["state", "sku_no"], unique=False)

    op.create_table(
        "capacity",
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("orders >= 0 AND units >= 0", name="booked_not_negative"),
        sa.PrimaryKeyConstraint("node_no", "day", "hour"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", TEXT, autoincrement=False, nullable=False),
        sa.Column("quality", TEXT, autoincrement=False, nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bound_cents", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("policy_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("network_version", TEXT, autoincrement=False, nullable=False),
        sa.Column("stock_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("elapsed_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cause", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("answer_json", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index("decisions_at_s", ["at_s"], unique=False)
        batch_op.create_index("decisions_order_id", ["order_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("webhook_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("event_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_status", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_error", TEXT, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "event_no"),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("deliveries_state_next_s", ["state", "next_s"], unique=False)

    op.create_table(
        "events",
        sa.Column("event_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("xid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", TEXT, autoincrement=False, nullable=False),
        sa.Column("subject", TEXT, autoincrement=False, nullable=False),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data_json", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event_no"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("events_xid_event_no", ["xid", "event_no"], unique=False)

    op.create_table(
        "exceptions",
        sa.Column("exception_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("text", TEXT, autoincrement=False, nullable=False),
        sa.Column("data_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("assigned_to", TEXT, autoincrement=False, nullable=False),
        sa.Column("resolution", TEXT, autoincrement=False, nullable=False),
        sa.Column("opened_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("exception_id"),
    )
    with op.batch_alter_table("exceptions", schema=None) as batch_op:
        batch_op.create_index("exceptions_order_id", ["order_id"], unique=False)
        batch_op.create_index("exceptions_state_opened_s", ["state", "opened_s"], unique=False)

    op.create_table(
        "exclusions",
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "node_no", "sku_no"),
    )
    op.create_table(
        "feed",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("writer", TEXT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index("feed_order", ["xid", "seq"], unique=False)

    op.create_table(
        "held_back",
        sa.Column("rule", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", TEXT, autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("rule", "node_no", "sku_no", "channel"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", TEXT, autoincrement=False, nullable=False),
        sa.Column("key", TEXT, autoincrement=False, nullable=False),
        sa.Column("fingerprint", TEXT, autoincrement=False, nullable=False),
        sa.Column("status", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", TEXT, autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index("idempotency_keys_created_s", ["created_s"], unique=False)

    op.create_table(
        "inbound",
        sa.Column("lot_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("lot_id"),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index("inbound_available_s", ["available_s"], unique=False)

    op.create_table(
        "meta",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "node_settings",
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("node_no"),
    )
    op.create_table(
        "nodes",
        sa.Column("node_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("node_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("node_no"),
        sa.UniqueConstraint("node_id"),
    )
    op.create_table(
        "parts",
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group", TEXT, autoincrement=False, nullable=False),
        sa.Column("method", TEXT, autoincrement=False, nullable=False),
        sa.Column("service", TEXT, autoincrement=False, nullable=False),
        sa.Column("lane", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("lines", TEXT, autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("booked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pick_start_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ship_by_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deliver_by_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("reservation_id", "part"),
    )
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.create_index("parts_node_no_state_due_s", ["node_no", "state", "due_s"], unique=False)
        batch_op.create_index("parts_order_id", ["order_id"], unique=False)
        batch_op.create_index("parts_place_no_state", ["place_no", "state"], unique=False)
        batch_op.create_index("parts_state_updated_s", ["state", "updated_s"], unique=False)

    op.create_table(
        "pick_stats",
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_class", TEXT, autoincrement=False, nullable=False),
        sa.Column("asked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("failed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("node_no", "sku_class"),
    )
    op.create_table(
        "policies",
        sa.Column("policy_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("policy_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_to_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("document_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "policy_version"),
    )
    op.create_table(
        "quarantine",
        sa.Column("source", TEXT, autoincrement=False, nullable=False),
        sa.Column("batch", TEXT, autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("problem", TEXT, autoincrement=False, nullable=False),
        sa.Column("raw", TEXT, autoincrement=False, nullable=False),
        sa.Column("received_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("source", "batch", "row"),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index("quarantine_state", ["state"], unique=False)

    op.create_table(
        "rejections",
        sa.Column("rejection_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", TEXT, autoincrement=False, nullable=False),
        sa.Column("counted", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("rejection_id", "line_id"),
    )
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.create_index("rejections_node_no_at_s", ["node_no", "at_s"], unique=False)
        batch_op.create_index("rejections_order_id", ["order_id"], unique=False)

    op.create_table(
        "reservations",
        sa.Column("reservation_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("channel", TEXT, autoincrement=False, nullable=False),
        sa.Column("decision_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("expires_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("deliver_by_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("priority", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("reservation_id"),
    )
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index("reservations_order_id", ["order_id"], unique=False)
        batch_op.create_index("reservations_state_expires_s", ["state", "expires_s"], unique=False)

    op.create_table(
        "returns",
        sa.Column("return_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("grade", TEXT, autoincrement=False, nullable=False),
        sa.Column("restocked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("return_id", "line"),
    )
    with op.batch_alter_table("returns", schema=None) as batch_op:
        batch_op.create_index("returns_node_no_at_s", ["node_no", "at_s"], unique=False)
        batch_op.create_index("returns_order_id", ["order_id"], unique=False)

    op.create_table(
        "skus",
        sa.Column("sku_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("sku", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sku_no"),
        sa.UniqueConstraint("sku"),
    )
    op.create_table(
        "stock",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        sa.CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", TEXT, autoincrement=False, nullable=False),
        sa.Column("url", TEXT, autoincrement=False, nullable=False),
        sa.Column("types", TEXT, autoincrement=False, nullable=False),
        sa.Column("secret", TEXT, autoincrement=False, nullable=False),
        sa.Column("secret_before", TEXT, autoincrement=False, nullable=False),
        sa.Column("state", TEXT, autoincrement=False, nullable=False),
        sa.Column("after_xid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("after_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("webhooks")
    op.drop_table("stock")
    op.drop_table("skus")
    with op.batch_alter_table("returns", schema=None) as batch_op:
        batch_op.drop_index("returns_order_id")
        batch_op.drop_index("returns_node_no_at_s")

    op.drop_table("returns")
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_index("reservations_state_expires_s")
        batch_op.drop_index("reservations_order_id")

    op.drop_table("reservations")
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.drop_index("rejections_order_id")
        batch_op.drop_index("rejections_node_no_at_s")

    op.drop_table("rejections")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index("quarantine_state")

    op.drop_table("quarantine")
    op.drop_table("policies")
    op.drop_table("pick_stats")
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_index("parts_state_updated_s")
        batch_op.drop_index("parts_place_no_state")
        batch_op.drop_index("parts_order_id")
        batch_op.drop_index("parts_node_no_state_due_s")

    op.drop_table("parts")
    op.drop_table("nodes")
    op.drop_table("node_settings")
    op.drop_table("meta")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index("inbound_available_s")

    op.drop_table("inbound")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index("idempotency_keys_created_s")

    op.drop_table("idempotency_keys")
    op.drop_table("held_back")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index("feed_order")

    op.drop_table("feed")
    op.drop_table("exclusions")
    with op.batch_alter_table("exceptions", schema=None) as batch_op:
        batch_op.drop_index("exceptions_state_opened_s")
        batch_op.drop_index("exceptions_order_id")

    op.drop_table("exceptions")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("events_xid_event_no")

    op.drop_table("events")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index("deliveries_state_next_s")

    op.drop_table("deliveries")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index("decisions_order_id")
        batch_op.drop_index("decisions_at_s")

    op.drop_table("decisions")
    op.drop_table("capacity")
    with op.batch_alter_table("backorders", schema=None) as batch_op:
        batch_op.drop_index("backorders_state_sku_no")

    op.drop_table("backorders")
    op.drop_table("audit")
    op.drop_table("api_keys")
