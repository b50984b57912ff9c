"""What is due anywhere and what came back is found by time."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database here from the revision before."""
    op.create_index("parts_state_due_s", "parts", ["state", "due_s"])
    op.create_index("returns_at_s", "returns", ["at_s"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("returns_at_s", table_name="returns")
    op.drop_index("parts_state_due_s", table_name="parts")
