"""
How the desk is set while it runs: policies with versions and dates, nodes paused or limited, skus before their release.

Each change is a record in the ledger, with its version, an audit record of what was before and after, and a notice by
which other processes take it over. A decision is taken under the version that is valid at its moment.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from engine.decide.events import canonical
from engine.desk.ask import CONFLICT, CREATED, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.book import NODES, POLICIES, SKUS
from engine.desk.documents import moment
from engine.desk.exceptions import event
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.stock.ledger import Ledger, Posting
from engine.stock.records_oms import Audit, NodeSetting, PolicyRecord, SkuSetting

PRECONDITION = 412


class NodeChanges(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    What differs at a node from the network as it was read; what is not given is as it was read.

    ``capacity_…`` -1 stands for no limit.
    """

    paused: bool | None = None
    capacity_day_orders: int | None = None
    capacity_day_units: int | None = None
    capacity_hour_orders: int | None = None
    capacity_hour_units: int | None = None
    rejection_ppm: int | None = None
    safety_stock: int | None = None
    backlog_s: int | None = None


class PolicyDoc(msgspec.Struct, kw_only=True):
    """A version of a policy."""

    policy_id: str
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    withdrawn: bool  # before it began: it never holds
    by: str
    policy: msgspec.Raw


class NodeDoc(msgspec.Struct, kw_only=True):
    """The settings of a node; version 0 is the network as it was read."""

    node: str
    version: int
    changes: msgspec.Raw
    updated_at: datetime | None
    by: str


class SkuDoc(msgspec.Struct, kw_only=True):
    """The settings of a sku."""

    sku: str
    version: int
    release_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPolicy:
    """
    A new version of a policy, valid from a moment on; the versions before stay for what was decided under them.

    Parameters
    ----------
    policy
        Its version is given here: one above the last.
    valid_from_s
        Not in the past; None is now.
    if_version
        The last version that the caller has seen.
    """

    policy: Policy
    valid_from_s: int | None = None
    valid_to_s: int | None = None
    if_version: int | None = None
    by: str = ""
    trace_id: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "put_policy"

    def wanted(self) -> Wanted:
        """Nothing but the policy."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        policy_id = self.policy.policy_id
        before = state.ledger.find(PolicyRecord, {"policy_id": policy_id}, limit=10_000)
        read = [policy for policy in state.book.read_policies if policy.policy_id == policy_id]
        last = max([r.policy_version for r in before] + [policy.version for policy in read], default=0)
        same_version(f"Policy ({policy_id})", last, self.if_version)
        valid_from_s = state.now_s if self.valid_from_s is None else self.valid_from_s
        if valid_from_s < state.now_s:
            raise InputError(
                f"valid_from of policy ({policy_id}) is past.", "decisions were taken since; leave it out."
            )
        if self.valid_to_s is not None and self.valid_to_s <= valid_from_s:
            raise InputError(f"valid_to of policy ({policy_id}) is not after valid_from.", "leave it out.")
        document = replace(self.policy, version=last + 1)
        record = PolicyRecord(
            policy_id=policy_id,
            policy_version=last + 1,
            valid_from_s=valid_from_s,
            valid_to_s=self.valid_to_s,
            document_json=canonical(document).decode(),
            created_s=state.now_s,
            by=self.by,
        )
        old = before[-1].document_json if before else canonical(read[-1]).decode() if read else ""
        audit = audit_of(state, self, f"policy:{policy_id}", old, record.document_json)
        note = event(state.now_s, "policy.changed.v1", policy_id, {"policy_id": policy_id, "version": last + 1})
        posting = Posting(makes=[record, audit, note], notices=[POLICIES])
        return Planned(
            answer(policy_doc(record), CREATED), posting, lambda state: state.book.read_policy_records(state)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawPolicy:
    """
    A version of a policy that has not begun shall never hold.

    It keeps its number, so that no other version is ever mistaken for it.

    Parameters
    ----------
    if_version
        The last version of the policy that the caller has seen.
    """

    policy_id: str
    version: int
    if_version: int | None = None
    by: str = ""
    trace_id: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "withdraw_policy"

    def wanted(self) -> Wanted:
        """Nothing but the policy."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Let it end as it begins."""
        policy_id, version = self.policy_id, self.version
        what = f"Version {version} of policy ({policy_id})"
        records = state.ledger.find(PolicyRecord, {"policy_id": policy_id}, limit=10_000)
        found = next((record for record in records if record.policy_version == version), None)
        if found is None:
            raise DeskError("unknown-policy", NOT_FOUND, f"{what} is unknown.", "list the policies.")
        same_version(f"Policy ({policy_id})", max(record.policy_version for record in records), self.if_version)
        if found.valid_to_s == found.valid_from_s:
            return Planned(answer(policy_doc(found)))
        if found.valid_from_s <= state.now_s:
            raise DeskError("wrong-state", CONFLICT, f"{what} has begun.", "put another version that follows it.")
        record = msgspec.structs.replace(found, valid_to_s=found.valid_from_s)
        told = msgspec.json.encode(policy_doc(record)).decode()
        audit = audit_of(state, self, f"policy:{policy_id}", msgspec.json.encode(policy_doc(found)).decode(), told)
        note = event(state.now_s, "policy.withdrawn.v1", policy_id, {"policy_id": policy_id, "version": version})
        posting = Posting(puts=[record], makes=[audit, note], notices=[POLICIES])
        return Planned(answer(policy_doc(record)), posting, lambda state: state.book.read_policy_records(state))


def policy_doc(record: PolicyRecord) -> PolicyDoc:
    """A version in the caller's words."""
    return PolicyDoc(
        policy_id=record.policy_id,
        version=record.policy_version,
        valid_from=moment(record.valid_from_s),
        valid_to=moment(record.valid_to_s),
        withdrawn=record.valid_to_s == record.valid_from_s,
        by=record.by,
        policy=msgspec.Raw(record.document_json.encode()),
    )


def list_policies(state: State, ledger: Ledger, policy_id: str | None = None) -> list[PolicyDoc]:
    """All versions, those of the network as it was read first."""
    read = [
        PolicyRecord(
            policy_id=policy.policy_id,
            policy_version=policy.version,
            valid_from_s=0,
            document_json=canonical(policy).decode(),
            created_s=0,
        )
        for policy in state.book.read_policies
    ]
    written = ledger.find(PolicyRecord, {} if policy_id is None else {"policy_id": policy_id}, limit=10_000)
    return [policy_doc(record) for record in (*read, *written) if policy_id in (None, record.policy_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNode:
    """
    Change settings of a node: all that differs from the network as it was read.

    Parameters
    ----------
    changes
        Takes the place of what was set before.
    if_version
        The version that the caller has seen; 0 where nothing was set yet.
    """

    node: str
    changes: NodeChanges
    if_version: int | None = None
    by: str = ""
    trace_id: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "set_node"

    def wanted(self) -> Wanted:
        """Nothing but the node."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        node_no = state.node_no(self.node)
        for name, value in msgspec.structs.asdict(self.changes).items():
            low = -1 if name.startswith("capacity") else 0
            if value is not None and (value < low or (name == "rejection_ppm" and value > 1_000_000)):
                raise InputError(f"{name} ({value}) of node ({self.node}) is out of range.", "leave it out.")
        before = state.ledger.get(NodeSetting, node_no)
        version = before.version if before is not None else 0
        same_version(f"Node ({self.node})", version, self.if_version)
        record = NodeSetting(
            node_no=node_no,
            document_json=msgspec.json.encode(self.changes).decode(),
            updated_s=state.now_s,
            by=self.by,
            version=version + 1,
        )
        old = before.document_json if before is not None else "{}"
        audit = audit_of(state, self, f"node:{self.node}", old, record.document_json)
        data = {"node": self.node, "changes": msgspec.Raw(record.document_json.encode())}
        note = event(state.now_s, "node.changed.v1", self.node, data)
        posting = Posting(makes=[audit, note], notices=[NODES])
        (posting.makes if before is None else posting.changes).append(record)
        return Planned(answer(node_doc(record, self.node)), posting, lambda state: state.book.read_nodes(state))


def node_doc(record: NodeSetting, node: str) -> NodeDoc:
    """The settings of a node in the caller's words."""
    return NodeDoc(
        node=node,
        version=record.version,
        changes=msgspec.Raw(record.document_json.encode()),
        updated_at=moment(record.updated_s),
        by=record.by,
    )


def node_settings(state: State, ledger: Ledger, node: str) -> NodeDoc:
    """What is set of a node."""
    found = ledger.get(NodeSetting, state.node_no(node))
    if found is None:
        return NodeDoc(node=node, version=0, changes=msgspec.Raw(b"{}"), updated_at=None, by="")
    return node_doc(found, node)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSku:
    """Set when a sku is released: before, nothing of it is promised; None releases it now."""

    sku: str
    release_s: int | None
    if_version: int | None = None
    by: str = ""
    trace_id: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "set_sku"

    def wanted(self) -> Wanted:
        """Nothing but the sku."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Write it down."""
        sku_no = state.sku_no(self.sku)
        before = state.ledger.get(SkuSetting, sku_no)
        version = before.version if before is not None else 0
        same_version(f"Sku ({self.sku})", version, self.if_version)
        record = SkuSetting(
            sku_no=sku_no, release_s=self.release_s, updated_s=state.now_s, by=self.by, version=version + 1
        )
        old = "" if before is None or before.release_s is None else str(before.release_s)
        audit = audit_of(state, self, f"sku:{self.sku}", old, "" if self.release_s is None else str(self.release_s))
        posting = Posting(makes=[audit], notices=[SKUS])
        (posting.makes if before is None else posting.changes).append(record)
        release_s = self.release_s or 0
        document = SkuDoc(sku=self.sku, version=version + 1, release_at=moment(self.release_s))
        return Planned(answer(document), posting, _blocking(sku_no, release_s))


def _blocking(sku_no: int, release_s: int) -> Callable[[State], None]:
    return lambda state: state.book.block(state, skus={sku_no: release_s})


def list_audit(
    ledger: Ledger, *, subject: str | None = None, after: tuple[Any, ...] | None = None, limit: int = 100
) -> tuple[list[Audit], tuple[Any, ...] | None]:
    """Who changed what, the oldest first, and where the next page begins (None: there is none)."""
    found = ledger.find(Audit, {} if subject is None else {"subject": subject}, after=after, limit=limit)
    return found, (found[-1].audit_no,) if len(found) == limit else None


def audit_of(state: State, command: Any, subject: str, before: str, after: str) -> Audit:
    """Who did what to a subject now."""
    return Audit(
        at_s=state.now_s,
        by=command.by,
        action=command.name,
        subject=subject,
        before_json=before,
        after_json=after,
        trace_id=command.trace_id,
    )


def same_version(what: str, version: int, seen: int | None) -> None:
    """Raise DeskError 412 where the caller has seen another version than the last."""
    if seen is not None and seen != version:
        raise DeskError("version", PRECONDITION, f"{what} is at version {version}, not {seen}.", "read it again.")
