"""Which files are made: a recipe is an original and what is done to it, with the verdict that is right for it.

Most recipes come from :mod:`covering`, which combines what the tables declare; the others are declared here.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.verification import Indication
from tests.interop.bench import Bench
from tests.interop.between import BETWEEN
from tests.interop.originals import CONTENTS, existing_field, new_place, original
from tests.interop.people import SIGNERS
from tests.interop.producers import PRODUCERS, Order


@dataclass(frozen=True)
class Signature:
    """A step: one signature by *producer* in this manner."""

    producer: str
    manner: str
    certify: int = 0


Step = Signature | str
"""A signature, or the name of something in between."""


@dataclass(frozen=True)
class Recipe:
    """``right``: the verdict that the specification has for it; ``because``: why, where that is not PASSED."""

    content: str
    shape: str
    steps: tuple[Step, ...]
    right: Indication = Indication.PASSED
    because: str = ""

    @property
    def name(self) -> str:
        """The same in each run."""
        return "; ".join((f"{self.content}, {self.shape}", *map(_said, self.steps)))

    @property
    def signatures(self) -> tuple[Signature, ...]:
        return tuple(each for each in self.steps if isinstance(each, Signature))

    @property
    def needs(self) -> tuple[str, ...]:
        """What a machine must have to make it."""
        made_of = [*(PRODUCERS[each.producer].needs for each in self.signatures)]
        made_of += [BETWEEN[each].needs for each in self.steps if isinstance(each, str)]
        return (
            *(need for each in made_of for need in each),
            *(("soffice",) if CONTENTS[self.content].office else ()),
        )


def _said(step: Step) -> str:
    if isinstance(step, str):
        return step
    return f"{step.producer} {step.manner}" + (f", certifies P={step.certify}" if step.certify else "")


def make(recipe: Recipe, bench: Bench) -> bytes:
    """The file. Raises NotMade."""
    waiting = sum(each.manner.startswith("existing") for each in recipe.signatures)
    document = original(bench, recipe.content, recipe.shape, waiting=waiting)
    taken = made = 0
    for step in recipe.steps:
        if isinstance(step, str):
            document = BETWEEN[step].perform(bench, document)
            continue
        who = SIGNERS[(taken + made) % len(SIGNERS)]
        if step.manner.startswith("existing"):
            order, taken = Order(who, existing_field(taken)[0], True, certify=step.certify), taken + 1
        else:
            name, box = new_place(made)
            order = Order(who, name, False, box if step.manner == "new shown" else None, step.certify)
            made += 1
        document = PRODUCERS[step.producer].sign(bench, document, order)
    return document


_ROUND, _DATED = "validation data and timestamp", "another date"
SPECIAL: tuple[Recipe, ...] = (
    # twenty-five revisions: five producers, each with what follows
    Recipe("plain", "as it is", (Signature("pyhanko-dated", "new shown"), *((_DATED, _ROUND) * 12))),
    Recipe(
        "plain", "object streams",
        tuple(
            step
            for name in ("itext", "pdfbox", "itext-cades", "pyhanko", "openssl")
            for step in (Signature(name, "new shown"), "validation data", "document timestamp", _DATED, _ROUND)
        ),
    ),
    # several rounds of archiving
    *(
        Recipe("plain", shape, (Signature(name, "new unseen"), *(store, "document timestamp") * 3))
        for shape, name, store in (
            ("as it is", "pdfsig", "validation data"),
            ("object streams", "itext-cades", "validation data by iText"),
            ("linearised", "pdfbox", "validation data"),
            ("saved before", "endesive", "validation data by iText"),
        )
    ),
    # the same program five times
    *(
        Recipe("plain", "as it is", (Signature(name, manner),) * 5)
        for name, each in PRODUCERS.items()
        if not each.first
        for manner in each.manners[-1:]
    ),
    # a certification without the entry that pyHanko wants in it, which therefore signs nothing after it
    Recipe(
        "plain", "as it is", (Signature("endesive", "existing shown", 2), Signature("itext", "existing shown")),
    ),
    # filled after a certification that allows it, and never signed again
    *(
        Recipe("form", shape, (Signature(name, "new unseen", 2), filled))
        for shape, name, filled in (
            ("as it is", "itext", "text filled by itext"),
            ("object streams", "pyhanko-dated", "radio filled by itext"),
            ("linearised", "pdfbox", "text filled by pdfbox"),
            ("as it is", "pyhanko", "choice filled by itext"),
        )
    ),
    # what is right, and not PASSED
    Recipe(
        "a signed attachment", "as it is", (Signature("signpdf", "new unseen"),), Indication.INDETERMINATE,
        "signpdf takes the attached PDF's form for the document's, so that none leads to its signature (12.7.3)",
    ),
    Recipe(
        "form", "as it is", (Signature("itext", "new unseen"), "text filled by itext"), Indication.INDETERMINATE,
        "a field filled, and nobody answers for it: no certification allows it, and no signature follows",
    ),
    Recipe(
        "plain", "as it is", (Signature("pyhanko-dated", "new unseen", 3), "a note"), Indication.INDETERMINATE,
        "annotations under P=3 may cover text",
    ),
    Recipe(
        "plain", "object streams", (Signature("itext", "new shown", 3), "a note"), Indication.INDETERMINATE,
        "annotations under P=3 may cover text",
    ),
    Recipe(
        "form", "as it is",
        (Signature("itext", "new shown"), "radio filled by pdfbox", Signature("pyhanko", "existing shown")),
        Indication.FAILED,
        "PDFBox states fewer objects (/Size) than are in use: who goes by it loses the picture (7.5.5)",
    ),
    *(
        Recipe(
            "a developer extension", "as it is", (Signature("pyhanko", "new unseen"), then),
            Indication.INDETERMINATE, "iText takes the original's developer extension back when it writes its own",
        )
        for then in ("validation data by iText", Signature("itext-cades", "new shown"))
    ),
    Recipe(
        "version 1.3", "as it is", (Signature("pyhanko", "new unseen"), Signature("itext", "new shown")),
        Indication.INDETERMINATE,
        "iText writes the header's version into the catalogue again, lower than what pyHanko had signed there",
    ),
)  # fmt: skip
