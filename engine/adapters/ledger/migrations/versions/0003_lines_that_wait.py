"""Lines wait together; skus have a release."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the database here from the revision before."""
    with op.batch_alter_table("backorders", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("together", sa.BigInteger(), autoincrement=False, nullable=False, server_default="0")
        )
    with op.batch_alter_table("backorders", schema=None) as batch_op:
        batch_op.alter_column("together", existing_type=sa.BigInteger(), server_default=None)
    op.create_table(
        "sku_settings",
        sa.Column("sku_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("updated_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by", TEXT, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("sku_no"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("sku_settings")
    with op.batch_alter_table("backorders", schema=None) as batch_op:
        batch_op.drop_column("together")
