"""network.toml: settings, policies, and everything that can be wrong with them."""

from pathlib import Path

import pytest

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.adapters.folder.config import read_config
from engine.adapters.folder.document import FORMAT
from engine.adapters.folder.problems import Problems
from engine.domain.policy import ChannelRule, Policy, Relaxation
from tests import builders as b

HEAD = 'name = "n"\ncurrency = "EUR"\nas_of = 2026-06-01T08:00:00+02:00\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_network(b.network(), tmp_path)
    return tmp_path


def errors(folder: Path, text: str) -> list[tuple[int, str, str]]:
    (folder / "network.toml").write_text(text)
    return [(p.row, p.column, p.message) for p in validate_folder(folder) if p.severity == "error"]


def policies(folder: Path, text: str) -> tuple[Policy, ...]:
    (folder / "network.toml").write_text(HEAD + text)
    return read_network(folder).policies


def test_without_policies_there_is_the_default_one(folder: Path) -> None:
    assert policies(folder, "") == (Policy(),)


def test_a_policy_is_read_with_its_channels_weights_and_relaxations(folder: Path) -> None:
    text = """
[[policy]]
policy_id = "p"
split_cents = 250
methods = ["same_day"]
weights_permille = { carbon = 0 }
relaxations = [{ rule = "deliver_by", days = 1 }, { rule = "max_distance" }]
channels.web = { node_groups = ["all"], services = ["std"] }
"""
    (policy,) = policies(folder, text)
    assert policy.split_cents == 250
    assert policy.weight("carbon") == 0
    assert policy.relaxations == (Relaxation(rule="deliver_by", days=1), Relaxation(rule="max_distance"))
    assert policy.channels == {"web": ChannelRule(node_groups=("all",), services=("std",))}


def test_the_highest_version_of_the_default_policy_comes_first(folder: Path) -> None:
    text = 'default_policy = "b"\n' + "".join(
        f'[[policy]]\npolicy_id = "{i}"\nversion = {v}\n' for i, v in (("a", 1), ("b", 1), ("b", 2))
    )
    assert [(p.policy_id, p.version) for p in policies(folder, text)] == [("b", 2), ("a", 1), ("b", 1)]


def test_policies_may_stand_in_a_file_of_their_own(folder: Path) -> None:
    (folder / "policies.toml").write_text('[[policy]]\npolicy_id = "own"\n')
    assert [p.policy_id for p in policies(folder, "")] == ["own"]
    (folder / "policies.toml").write_text("[[policy]]\nsplit_cents = -1\n")
    assert [p.file for p in validate_folder(folder)] == ["policies.toml"]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("split_cents = 2.5", "policy.split_cents", "no int"),
        ("use_inbound = 1", "policy.use_inbound", "no bool"),
        ("splt_cents = 2", "policy.splt_cents", "unknown"),
        ('methods = ["drone"]', "policy.methods", "(drone) is no method"),
        ("weights_permille = { carbon = 0.5 }", "policy.weights_permille", "no whole numbers"),
        ("weights_permille = { karbon = 5 }", "policy", "unknown rule (karbon)"),
        ("relaxations = [{ rul = 3 }]", "policy.relaxations", "no relaxation"),
        ('relaxations = [{ rule = "budget" }]', "policy", "unknown rule (budget)"),
        ('channels.web = { node_groups = ["west"] }', "policy.channels.web.node_groups", "(west) of node_groups"),
        ('channels.web = { service = ["std"] }', "policy.channels.web.service", "unknown"),
        ("channels.web = 1", "policy.channels.web", "no table"),
        ("promise_confidence_permille = 1000", "policy", "confidence (1000)"),
        ("max_shipments = 0", "policy", "no shipment"),
    ],
)
def test_a_wrong_policy_says_which_field(folder: Path, text: str, column: str, message: str) -> None:
    ((row, found, said),) = errors(folder, f"{HEAD}[[policy]]\n[[policy]]\npolicy_id = 'p'\n{text}\n")
    assert (row, found) == (2, column)
    assert message in said


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("name = 5", "name", "no str"),
        ('currency = "euro"', "currency", "ISO 4217"),
        ("as_of = 2026-06-01T08:00:00", "as_of", "no time zone"),
        ("as_of = 2026-06-01", "as_of", "no time zone"),
        ('as_of = "yesterday"', "as_of", "no instant"),
        ("synthetic = [1]", "synthetic", "no list of texts"),
        ("synthetic = 'all'", "synthetic", "no list"),
        ('default_policy = "best"', "default_policy", "No policy"),
        ("policy = 1", "policy", "[[policy]]"),
    ],
)
def test_a_wrong_setting_says_which(folder: Path, text: str, column: str, message: str) -> None:
    kept = "".join(line + "\n" for line in HEAD.splitlines() if line.split(" =")[0] != text.split(" =")[0])
    ((_, found, said),) = errors(folder, f"{kept}{text}\n")
    assert found == column
    assert message in said


def test_a_policy_of_one_id_and_version_twice_is_an_error(folder: Path) -> None:
    assert errors(folder, HEAD + "[[policy]]\n[[policy]]\n") == [
        (2, "policy", "Policy (default) has version (1) twice.")
    ]


def test_a_file_that_is_no_toml_says_where(folder: Path) -> None:
    ((_, _, message),) = [e for e in errors(folder, "name = Acme\n") if "TOML" in e[2]]
    assert "line 1" in message


def test_an_unknown_key_is_a_warning_with_the_nearest_name(folder: Path) -> None:
    (folder / "network.toml").write_text(HEAD + "curency = 'EUR'\n")
    assert [(p.severity, p.hint) for p in validate_folder(folder)] == [("warning", "(currency) is meant.")]


def test_the_example_of_the_format_page_is_read() -> None:
    example = FORMAT.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    problems = Problems()
    config = read_config({"network.toml": example.encode()}, ["north"], ["colissimo_home"], problems)
    assert problems.listed() == []
    assert config.policies[0].channels["marketplace"].node_groups == ("north",)
