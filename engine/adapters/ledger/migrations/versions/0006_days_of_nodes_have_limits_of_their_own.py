"""Days of nodes, and hours of them, have limits of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the database here from the revision before."""
    for name in ("orders_max", "units_max"):
        op.add_column("capacity", sa.Column(name, sa.BigInteger(), nullable=False, server_default="-1"))
    op.create_table(
        "capacity_days",
        sa.Column("node_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_json", TEXT, autoincrement=False, nullable=False),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("node_no", "day"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("capacity_days")
    with op.batch_alter_table("capacity", schema=None) as batch_op:
        batch_op.drop_column("units_max")
        batch_op.drop_column("orders_max")
