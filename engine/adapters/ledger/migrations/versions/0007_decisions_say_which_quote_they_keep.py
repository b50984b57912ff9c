"""Decisions say which quote they keep."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the database here from the revision before."""
    for name in ("quote_id", "kept"):
        op.add_column("decisions", sa.Column(name, TEXT, nullable=False, server_default=""))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_column("kept")
        batch_op.drop_column("quote_id")
