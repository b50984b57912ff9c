"""network.toml: the name, the currency, the moment and the policies of a network, read and written."""

import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

from engine.adapters.folder.cells import CellError, parse_instant
from engine.adapters.folder.problems import Names, Problems
from engine.domain.errors import InputError
from engine.domain.order import METHODS, Method
from engine.domain.policy import ChannelRule, Policy, Relaxation
from engine.network.model import Network

CONFIG = "network.toml"
POLICIES = "policies.toml"
_KEYS = ("name", "currency", "as_of", "default_policy", "synthetic", "meta", "policy")


@dataclass(kw_only=True)
class Config:
    """What network.toml and policies.toml say."""

    name: str = ""
    currency: str = ""
    as_of: datetime | None = None
    synthetic: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    policies: tuple[Policy, ...] = ()


def read_config(
    data: Mapping[str, bytes],
    groups: Collection[str] | None,
    services: Collection[str] | None,
    problems: Problems,
) -> Config:
    """Read both files (bytes by name) and note what is wrong; ids are checked where they are given."""
    known: dict[str, Collection[str]] = {"node_groups": groups or (), "services": services or ()}
    if groups is None:
        known.pop("node_groups")
    if services is None:
        known.pop("services")
    config = Config()
    default = ""
    policies: list[Policy] = []
    for file in (CONFIG, POLICIES):
        if file not in data:
            if file == CONFIG:
                problems.add(
                    file, 0, "", "", "The file is missing.", "a line such as name = 'Acme' is enough to start."
                )
            continue
        table = _toml(file, data[file], problems)
        if table is None:
            continue
        for key in table:
            if key not in (_KEYS if file == CONFIG else ("policy",)):
                problems.warn(file, 0, key, "", f"Key ({key}) is unknown and not read.", Names(_KEYS).hint(key))
        if file == CONFIG:
            default = _head(table, config, problems)
        policies += _policies(file, table.get("policy", []), known, problems)
    config.policies = _in_order(policies, default, problems)
    return config


def _toml(file: str, data: bytes, problems: Problems) -> dict[str, Any] | None:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add(file, 0, "", "", f"The file is no TOML ({error}).", "a text misses its quotation marks.")
        return None


def _head(table: dict[str, Any], config: Config, problems: Problems) -> str:
    """Fill in everything but the policies; returns the id of the default policy."""

    def get(key: str, kind: type, example: str, absent: Any = None) -> Any:
        value = table.get(key, absent)
        if value is None:
            problems.add(CONFIG, 0, key, "", f"Key ({key}) is missing.", f"{key} = {example}.")
        elif not isinstance(value, kind):
            problems.add(CONFIG, 0, key, str(value), f"Key ({key}) is no {kind.__name__}.", f"{key} = {example}.")
        else:
            return value
        return kind()

    config.name = get("name", str, '"Acme France"')
    config.currency = get("currency", str, '"EUR"')
    if config.currency and not (config.currency.isalpha() and len(config.currency) == 3 and config.currency.isupper()):
        problems.add(CONFIG, 0, "currency", config.currency, f"({config.currency}) is no ISO 4217 code.", "EUR.")
    moment = table.get("as_of")
    try:
        text = moment.isoformat() if isinstance(moment, (date, time)) else str(moment or "")
        config.as_of = parse_instant(text)
    except CellError as error:
        problems.add(CONFIG, 0, "as_of", text, f"Key (as_of): {error.message}", error.hint)
    synthetic = get("synthetic", list, '["stock levels"]', [])
    if not all(isinstance(part, str) for part in synthetic):
        problems.add(CONFIG, 0, "synthetic", str(synthetic), "Key (synthetic) is no list of texts.")
    config.synthetic = tuple(synthetic)
    config.meta = MappingProxyType(get("meta", dict, '{ source = "ERP" }', {}))
    return str(get("default_policy", str, '"standard"', ""))


def _in_order(policies: list[Policy], default: str, problems: Problems) -> tuple[Policy, ...]:
    """The policies in the order of the files, the default one, its highest version, first."""
    for i, policy in enumerate(policies):
        if any((p.policy_id, p.version) == (policy.policy_id, policy.version) for p in policies[:i]):
            what = f"Policy ({policy.policy_id}) has version ({policy.version}) twice."
            problems.add(CONFIG, i + 1, "policy", policy.policy_id, what, "raise the version of the newer one.")
    named = [p for p in policies if p.policy_id == default]
    if default and not named:
        hint = Names([p.policy_id for p in policies]).hint(default)
        problems.add(CONFIG, 0, "default_policy", default, f"No policy has the id ({default}).", hint)
    if not named:
        return tuple(policies) or (Policy(),)
    first = max(named, key=lambda p: p.version)
    return (first, *(p for p in policies if p is not first))


def _policies(file: str, tables: Any, known: Mapping[str, Collection[str]], problems: Problems) -> list[Policy]:
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        problems.add(file, 0, "policy", "", "Policies are written as [[policy]] tables.", "use two pairs of brackets.")
        return []
    out: list[Policy] = []
    for row, table in enumerate(tables, start=1):
        values = _policy_values(file, row, table, known, problems)
        if values is None:
            continue
        try:
            out.append(Policy(**values))
        except InputError as error:
            problems.add(file, row, "policy", str(table.get("policy_id", "")), error.message, error.hint)
    return out


def _policy_values(
    file: str, row: int, table: dict[str, Any], known: Mapping[str, Collection[str]], problems: Problems
) -> dict[str, Any] | None:
    """The arguments of a Policy; None, with the reasons, where one of them is of a wrong type or name."""
    before = problems.num_errors

    def bad(key: str, value: Any, message: str, hint: str = "") -> None:
        problems.add(file, row, f"policy.{key}", str(value), message, hint)

    types: dict[str, type] = {
        f.name: type(f.default) for f in fields(Policy) if f.default is not MISSING and not isinstance(f.default, tuple)
    }
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in types:
            if type(value) is not types[key]:
                bad(key, value, f"Key ({key}) is no {types[key].__name__}.", "whole numbers: cents, metres, permille.")
            values[key] = value
        elif key == "methods":
            values[key] = _methods(value, key, bad)
        elif key in ("weights_permille", "shop_tiers") and isinstance(value, dict):
            if any(type(permille) is not int for permille in value.values()):
                bad(key, value, f"{key} are no whole numbers.", "1000 is 1.")
            values[key] = MappingProxyType(value)
        elif key == "relaxations" and isinstance(value, list):
            values[key] = tuple(_relaxation(step, bad) for step in value)
        elif key == "channels" and isinstance(value, dict):
            values[key] = MappingProxyType({c: _channel(c, rule, known, bad) for c, rule in value.items()})
        else:
            hint = Names([f.name for f in fields(Policy)]).hint(key) or "it must be a table or a list."
            bad(key, value, f"Key ({key}) is unknown, or of a wrong type.", hint)
    return values if problems.num_errors == before else None


def _methods(value: Any, key: str, bad: Any) -> tuple[Method, ...]:
    known = [str(m) for m in METHODS]
    out = []
    for word in value if isinstance(value, list) else [value]:
        if word in known:
            out.append(Method(word))
        else:
            bad(key, word, f"({word}) is no method.", Names(known).hint(str(word)) or f"one of {', '.join(known)}.")
    return tuple(out)


def _relaxation(step: Any, bad: Any) -> Relaxation:
    if isinstance(step, dict) and set(step) <= {"rule", "days"} and type(step.get("days", 0)) is int:
        return Relaxation(rule=str(step.get("rule", "")), days=step.get("days", 0))
    bad("relaxations", step, f"({step}) is no relaxation.", '{ rule = "deliver_by", days = 2 }.')
    return Relaxation(rule="deliver_by", days=1)


def _channel(name: str, rule: Any, known: Mapping[str, Collection[str]], bad: Any) -> ChannelRule:
    key = f"channels.{name}"
    if not isinstance(rule, dict):
        bad(key, rule, f"Channel ({name}) is no table.", "methods, node_groups and services are lists in it.")
        return ChannelRule()
    values: dict[str, Any] = {}
    for word, value in rule.items():
        if word == "methods":
            values[word] = _methods(value, f"{key}.methods", bad)
        elif word in ("node_groups", "services") and isinstance(value, list):
            values[word] = tuple(str(v) for v in value)
            for part in values[word]:
                if word in known and part not in known[word]:
                    bad(f"{key}.{word}", part, f"({part}) of {word} is unknown.", Names(known[word]).hint(part))
        else:
            bad(
                f"{key}.{word}",
                value,
                f"Key ({word}) is unknown, or of a wrong type.",
                "methods, node_groups, services.",
            )
    return ChannelRule(**values)


def config_text(network: Network) -> str:
    """network.toml of a network, policies included."""
    lines = [
        f"name = {_value(network.name)}",
        f"currency = {_value(network.currency)}",
        f"as_of = {_value(network.as_of)}",
        f"synthetic = {_value(network.synthetic)}",
    ]
    if network.meta:
        lines += ["", "[meta]", *(f"{_key(key)} = {_value(value)}" for key, value in network.meta.items())]
    for policy in network.policies:
        lines += ["", "[[policy]]"]
        for f in fields(Policy):
            value = getattr(policy, f.name)
            if f.name in ("policy_id", "version") or value != _default(f):
                lines.append(f"{f.name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _default(f: Any) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _key(key: str) -> str:
    return _value(str(key))


def _value(value: Any) -> str:
    """A value as TOML writes it in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (ChannelRule, Relaxation)):
        names = [f.name for f in fields(value)]
        return _value({name: getattr(value, name) for name in names if getattr(value, name)})
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    raise InputError(f"Value ({value!r}) cannot be written to {CONFIG}.", "turn it into a text, a number or a list.")
