"""The stock feed numbers its messages."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database here from the revision before."""
    op.add_column("stock", sa.Column("counted_seq", sa.BigInteger(), nullable=True))
    op.create_table(
        "deltas",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "seq"),
    )
    op.create_table(
        "moves",
        sa.Column("move_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("move_no"),
    )
    with op.batch_alter_table("moves", schema=None) as batch_op:
        batch_op.create_index("moves_key", ["key", "at_s"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("moves", schema=None) as batch_op:
        batch_op.drop_index("moves_key")

    op.drop_table("moves")
    op.drop_table("deltas")
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.drop_column("counted_seq")
