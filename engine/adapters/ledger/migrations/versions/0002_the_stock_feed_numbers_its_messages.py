"""The stock feed numbers its messages, moves are kept, what was reserved before is told apart; fewer indices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNUSED = (
    ("decisions", "decisions_at_s", ["at_s"]),
    ("parts", "parts_order_id", ["order_id"]),
    ("parts", "parts_place_no_state", ["place_no", "state"]),
    ("parts", "parts_state_updated_s", ["state", "updated_s"]),
)


def upgrade() -> None:
    """Bring the database here from the revision before."""
    for name in ("counted_by", "counted_seq"):
        op.add_column("stock", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        for name in ("stock", "capacity"):
            op.execute(f"ALTER TABLE {name} SET (fillfactor = 75)")
    op.create_table(
        "counted",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "source_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deltas",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "source_no", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "moves",
        sa.Column("move_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("move_no"),
    )
    op.create_index("moves_key", "moves", ["key", "at_s"])
    op.create_table(
        "reserved_before",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    # Who had reserved units that no part holds was not written down: what is left of them counts as reserved before.
    op.execute(
        "INSERT INTO reserved_before (key, units) SELECT key, reserved FROM stock "
        "WHERE reserved > 0 AND NOT EXISTS (SELECT 1 FROM parts)"
    )
    for table, name, _ in UNUSED:
        op.drop_index(name, table_name=table)


def downgrade() -> None:
    """Go back to the revision before."""
    for table, name, fields in UNUSED:
        op.create_index(name, table, fields)
    for table in ("reserved_before", "moves", "deltas", "counted"):
        op.drop_table(table)
    with op.batch_alter_table("stock") as changed:
        for name in ("counted_by", "counted_seq"):
            changed.drop_column(name)
