"""A recorded decision, explained as of then: a document as `sourcewise explain --json` gives it, or text."""

from typing import TYPE_CHECKING, Any

from api.serialise import decision_to_dict, explanation_to_dict

if TYPE_CHECKING:
    from engine.desk.decisions import Explained


def explained_document(found: "Explained") -> dict[str, Any]:
    """The decision, why it is that one, and what is not as it was then."""
    return {
        "decision": decision_to_dict(found.decision, currency=found.network.currency),
        "explanation": explanation_to_dict(found.explanation),
        "notes": list(found.notes),
    }


def explained_text(found: "Explained", *, nodes_max: int = 10, width: int = 120) -> str:
    """The same for people, without colours."""
    import io

    from rich.console import Console

    from api.cli.tell import tell, tell_nodes
    from api.report.figures import Decided

    console = Console(file=io.StringIO(), width=width, no_color=True, force_terminal=False)
    item = Decided(order=found.order, decision=found.decision, explanation=found.explanation)
    tell(found.network, item, console)
    tell_nodes(found.network, item, console, nodes_max=nodes_max)
    for note in found.notes:
        console.print(note)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
