"""A verdict on a training in words, and as a document."""

from dataclasses import asdict
from typing import Any

from cnncli.training.diagnosis import Verdict


def sentences(verdict: Verdict) -> list[str]:
    """Lines of text: the verdict and its reason, what else is seen, what to try."""
    reason, *others = verdict.sentences
    shown = [f"{verdict.kind}: {reason}", *others]
    return [*shown, "what to try:", *(f"  {one}" for one in verdict.advice)] if verdict.advice else shown


def document(verdict: Verdict) -> dict[str, Any]:
    """`cnncli.diagnosis/1`: the verdict, the numbers it rests on, and the same in words."""
    return {
        "schema": "cnncli.diagnosis/1",
        "verdict": verdict.kind,
        "sentences": list(verdict.sentences),
        "advice": list(verdict.advice),
        "evidence": asdict(verdict.evidence),
    }
