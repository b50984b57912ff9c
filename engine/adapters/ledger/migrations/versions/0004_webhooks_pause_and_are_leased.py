"""Webhooks pause and are leased."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the database here from the revision before."""
    for name in ("not_before_s", "lease_until_s"):
        op.add_column("webhooks", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("webhooks", sa.Column("leased_by", TEXT, nullable=False, server_default=""))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        for name in ("leased_by", "lease_until_s", "not_before_s"):
            batch_op.drop_column(name)
