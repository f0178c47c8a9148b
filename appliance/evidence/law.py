"""What articles of Chinese law ask of electronic evidence, and which evidence of a package answers it.

Three texts: 中华人民共和国电子签名法 (as amended in 2019), 最高人民法院关于民事诉讼证据的若干规定 (as amended in
2019, in force since 1 May 2020) and 人民法院在线诉讼规则 (in force since 1 August 2021). Articles are cited by
number; what they ask is said in our words, and what a package does not answer stands beside it.

Numbers and wording were compared with reprints, as no official gazette was at hand: 电子签名法 13 and 14 with
gpsp.net.cn/?p=117964 and chinajusticeobserver.com; 证据规定 93 and 94 (法释〔2019〕19号) with 110ask.com (93),
ms.isheng.net/index.php?doc-view-27027 (94) and shanghailawfirm.net/flsj/Evidence/show-2651.html (both);
在线诉讼规则 16 to 19 (法释〔2021〕12号) with one reprint of their text and the report of 证券日报 of 18 June
2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hsm.errors import Sentence

SIGNATURES_ACT: Final = Sentence("Electronic Signature Law of the People's Republic of China (as amended in 2019)")
EVIDENCE_RULES: Final = Sentence(
    "Provisions of the Supreme People's Court on Evidence in Civil Procedure (as amended in 2019)"
)
ONLINE_RULES: Final = Sentence("Rules of Online Litigation of People's Courts (in force since 1 August 2021)")
OWN_LIST: Final = "list"
"""Stands for the list of evidence itself."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article of *law*: its ``place``, what it ``asks``, the ``evidence`` that answers (keys of
    :mod:`appliance.evidence.evidence_list`), and in ``note`` how far, and what it leaves open."""

    law: Sentence
    place: Sentence
    asks: Sentence
    evidence: tuple[str, ...]
    note: Sentence


def _article(law: Sentence, place: Sentence, asks: Sentence, evidence: str, note: Sentence) -> Article:
    return Article(law, place, asks, tuple(evidence.split()), note)


ARTICLES: Final = (
    _article(
        SIGNATURES_ACT,
        Sentence("Article 3, paragraphs 1 and 2"),
        Sentence("The parties may agree on electronic signatures; such a document has effect despite its form."),
        "agreement",
        Sentence("Whether the contract is of a kind that paragraph 3 excludes is not judged here."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 5"),
        Sentence("Form of an original: it can be shown and retrieved at any time, complete and unaltered."),
        "signed signatures dates manifest",
        Sentence("Any change of a byte that a signature covers shows when the signature is verified."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Articles 7 and 8"),
        Sentence(
            "A data message is admitted as evidence. For its authenticity count the methods of making, keeping and"
            " sending it, of keeping it complete, and of telling who sent it."
        ),
        "signatures authority history log manifest",
        Sentence("The methods follow public standards and can be examined without this appliance."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 13, paragraph 1, item 1"),
        Sentence("The data by which the signature is made belong to the signer alone when it is made."),
        "signatures certificates",
        Sentence(
            "Each certificate names one signer or one seal, and the signature verifies with its key alone. That"
            " nobody else has the key rests on the cryptographic module and its operation (for a certificate of"
            " the signer's own, on the signer and the issuer); no file shows that."
        ),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 13, paragraph 1, item 2"),
        Sentence("At signing, these data are under the control of the signer alone."),
        "signatures history",
        Sentence(
            "A signature made here says in its signed part how its signer confirmed it (passkey, or PIN and"
            " one-time code), and the history has who asked for a seal and who released it. Who held the device,"
            " the package does not prove; of signatures made elsewhere it says nothing of this."
        ),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 13, paragraph 1, item 3"),
        Sentence("Any change of the signature after signing can be discovered."),
        "signatures dates",
        Sentence("A changed signature does not verify; its timestamp is over the value of the signature."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 13, paragraph 1, item 4"),
        Sentence("Any change of content and form of the data message after signing can be discovered."),
        "signed signatures",
        Sentence(
            "Every program that verifies signatures in PDFs finds it. What was added after a signature lies behind"
            " the bytes that it covers; whether that changes a page has to be looked at separately."
        ),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 13, paragraph 2"),
        Sentence("The parties may choose signatures that meet the conditions of reliability that they agreed."),
        "agreement",
        Sentence("The conditions stand in the text of the agreement; each acceptance is signed itself."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 14"),
        Sentence("A reliable electronic signature has the legal effect of a signature by hand or of a seal."),
        "signed signatures",
        Sentence("Whether the conditions of Article 13 are met is for the court to decide."),
    ),
    _article(
        SIGNATURES_ACT,
        Sentence("Article 16"),
        Sentence("Where a signature needs certification by a third party, a provider set up by law certifies it."),
        "certificates",
        Sentence(
            "The certificates are of the private certification authority of the organisation that runs the"
            " appliance, which is no such provider; the issuer of a signer's own certificate is named in it."
        ),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 14"),
        Sentence(
            "Electronic data are documents, digital certificates, records of identity and logins, and others."
        ),
        "signed certificates authority history",
        Sentence("The package consists of such files."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 15, paragraph 2"),
        Sentence(
            "The original is to be given; a copy by its maker that agrees with the original, and what is printed"
            " or shown straight from it, are deemed the original."
        ),
        "signed manifest",
        Sentence(
            "The manifest proves that the files are, byte for byte, those that were exported. On paper no"
            " electronic signature can be verified: have the file itself verified."
        ),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 19, paragraph 1"),
        Sentence(
            "Evidence is sorted and numbered, with its source, its object and its content in short, signed or"
            " sealed and dated, with copies for the other parties."
        ),
        OWN_LIST,
        Sentence("This list serves for that; whoever submits it fills in, signs and dates its last part."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 93, paragraph 1, items 1 to 3"),
        Sentence(
            "Whether the hardware and software that made, kept and sent the data are complete and reliable, worked"
            " normally, and are watched and checked against faults."
        ),
        "",
        Sentence(
            "The package does not prove this: the operator of the appliance can give its records, and experts can"
            " examine it. Signatures, timestamps and the log are verified without that environment."
        ),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 93, paragraph 1, item 4"),
        Sentence("Whether the data were kept, sent and extracted completely, and by reliable methods."),
        "dates log manifest",
        Sentence("A file that was changed, left out or added since the export shows against the signed manifest."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 93, paragraph 1, item 5"),
        Sentence("Whether the data came about and were kept in normal dealings."),
        "agreement history",
        Sentence("The history shows every step from the draft to the completion, with its time."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 93, paragraph 1, item 6"),
        Sentence("Whether whoever keeps, sends and extracts the data is a proper person to do so."),
        "manifest",
        Sentence(
            "It is the organisation that runs the appliance, as the certificates name it. It may be a party to the"
            " contract, and it is no neutral third party."
        ),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 93, paragraph 1, item 7, and paragraph 2"),
        Sentence("Other factors; the court may have the data examined by experts or inspect them."),
        "signed signatures log",
        Sentence("The guide says what experts need, and how the parties apply for them."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 1, item 1"),
        Sentence(
            "In these cases the court may take data for authentic, unless there is sufficient evidence to the"
            " contrary: data against the interest of the party that submits or keeps them."
        ),
        "",
        Sentence("That depends on who submits them, and for what."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 1, item 2"),
        Sentence("Data provided or confirmed by a neutral third-party platform that records and keeps them."),
        "",
        Sentence("Not claimed: this appliance is no neutral third-party platform."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 1, item 3"),
        Sentence("Data that came about in normal business."),
        "agreement history",
        Sentence("The history shows the dealings; that they were normal business, other evidence may support."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 1, item 4"),
        Sentence("Data that are kept as archives are kept."),
        "dates history",
        Sentence(
            "The signed file was sealed for long keeping, and the history says when. By what rules it was kept,"
            " the operator has to show."
        ),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 1, item 5"),
        Sentence("Data kept, sent and extracted in the way that the parties have agreed on."),
        "agreement log manifest",
        Sentence("As far as the text of the agreement says how; each party has accepted it by its own signature."),
    ),
    _article(
        EVIDENCE_RULES,
        Sentence("Article 94, paragraph 2"),
        Sentence(
            "Data whose content a notary has certified: the court takes them for authentic, unless evidence to the"
            " contrary refutes that."
        ),
        "",
        Sentence("The package is not notarised. A notary can certify its submission and the verification of it."),
    ),
    _article(
        ONLINE_RULES,
        Sentence("Article 11"),
        Sentence(
            "Materials are uploaded to the litigation platform; electronic data go there directly where it is"
            " connected with the platform that keeps them."
        ),
        "",
        Sentence("The appliance is connected with no court: the guide says how to hand in the package."),
    ),
    _article(
        ONLINE_RULES,
        Sentence("Articles 12 and 13"),
        Sentence(
            "Digitised materials are used once the court has passed them; it asks for originals in four cases, and"
            " takes materials for originals where, among others, a comparison shows that they agree."
        ),
        "signed manifest",
        Sentence("The signed contract is made of bytes from the start; digests compare copies with it."),
    ),
    _article(
        ONLINE_RULES,
        Sentence("Articles 14 and 15"),
        Sentence(
            "Evidence is exchanged online; electronic data count once the parties have shown and disputed them and"
            " the court has found them authentic, lawful and relevant."
        ),
        "signatures dates manifest",
        Sentence("The other side can verify the same package by itself; the guide says how."),
    ),
    _article(
        ONLINE_RULES,
        Sentence("Articles 16 to 18"),
        Sentence(
            "Data kept by blockchain: where they verify, the court may find them unaltered since then; how doubts"
            " are decided."
        ),
        "log",
        Sentence(
            "Not claimed: the log is a Merkle tree that one keeper maintains, with signed checkpoints; it is no"
            " blockchain."
        ),
    ),
    _article(
        ONLINE_RULES,
        Sentence("Article 19"),
        Sentence("Persons with special knowledge and experts on technical questions of data kept by blockchain."),
        "",
        Sentence(
            "It speaks of blockchains; for other electronic data see Articles 30, 31 and 83 of the provisions on"
            " evidence."
        ),
    ),
)
"""In the order of the laws and of their articles."""
