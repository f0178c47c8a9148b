#!/usr/bin/env python3
"""Checks this evidence package with Python's standard library and openssl (3.0 or newer) alone; changes nothing.
仅用 Python 标准库和 openssl（3.0 或更高版本）核验本证据包；不改动任何文件。

    python3 check.py [CA.pem]

CA.pem is the root certificate that you trust, obtained from the issuer by another way than this package. Without
it the package's own certificates/ca.pem is used: that shows only that the package agrees with itself.
CA.pem 是您通过本包以外的途径取得并信任的根证书；不给出时使用包内 certificates/ca.pem，只能证明本包自身一致。
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEALS = {"manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr"}
CHAIN = "certificates/chain.pem"
SERVICE = "certificates/evidence.pem"
LISTS = ("-CRLfile", "certificates/crls.pem")
RANGE = rb"/ByteRange[\t\n\f\r ]*\[[\t\n\f\r ]*0" + 3 * rb"[\t\n\f\r ]+0*%d" + rb"[\t\n\f\r ]*\]"
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
SIGNED, DECLARED = "party-signed", "void-declared"
NAMED = ("-subject", "-nameopt", "oid,utf8,sep_multiline")
RECORDS = {"agreement": "*.json", "authority": "power-*.json", "voiding": "*.json"}
NN, ENTRY, PLACE, WORD = r"(?:0[1-9]|[1-9]\d{1,2})", r"\d{8,18}", r"(?:0|[1-9]\d{0,17})", "[a-z0-9-]+"
NAMES = re.compile(
    rf"agreement/(?:{NN}[.](?:json|p7s|sig|tst)|electronic-signing-[A-Za-z0-9_.-]+[.]md)|signatures/{NN}[.](?:p7s|sig|tst)"
    rf"|authority/(?:{NN}[.]json|power-{WORD}[.](?:json|p7s|sig|tst|pdf))|voiding/{NN}[.](?:json|p7s|sig|tst)"
    rf"|manifest[.](?:json|p7s|tsq|tsr)|check[.](?:sh|py)|index[.]txt|README[.](?:en|zh)[.]txt|certificates/{WORD}[.]pem"
    r"|contract/contract[.](?:pdf|signed[.]pdf|tsq|tsr)|history/history[.](?:json|(?:en|zh)[.]pdf)"
    rf"|log/(?:(?:entries|openings)/{ENTRY}[.]json|proofs/{ENTRY}[.]tlog-proof|checkpoint(?:[.](?:text|sig|tst))?)"
    r"|log/log[.](?:vkey|pub[.]pem)|review/(?:check|sign-off)[.]json|verification/report[.]json",
    re.ASCII,
)
LINE = re.compile(
    rf"#.*|(?:created|checkpoint) {PLACE}|(?:signature|timestamp) {NN}(?: {PLACE}){{4}}|letter power-{WORD} {NN}"
    rf"|certificate {WORD} {PLACE} {PLACE}|record (?:agreement|authority|voiding)/{WORD} {PLACE}"
    rf"|(?:agreement|grounds) {NN} {ENTRY}|agreed {ENTRY} {NN}(?:,{NN})* {ENTRY}(?:,{ENTRY})*|entry {ENTRY}",
    re.ASCII,
)
SAID = [
    "agent",
    "basis",
    "counterparties",
    "currency",
    "grantor",
    "id",
    "kinds",
    "letter",
    "limit",
    "principal",
    "seals",
    "since",
    "until",
]


class Failed(Exception):
    """Something does not hold; the sentence says what."""


def show(sentence: str) -> None:
    sys.stdout.buffer.write(f"{sentence}\n".encode())
    sys.stdout.flush()


def read(path: str) -> bytes:
    return (HERE / path).read_bytes()


def require(holds: bool, sentence: str) -> None:
    if not holds:
        raise Failed(sentence)


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        require(name not in found, f"a file has the name “{name}” twice in one object 文件中有重复的名称")
        found[name] = value
    return found


def parsed(content: bytes) -> Any:
    """What the JSON says. Of a name that is there twice, programs believe one or the other."""
    return json.loads(content, object_pairs_hook=each_once)


class OpenSSL:
    """The checks that openssl does, each with the trusted root; ``scratch`` is a folder of our own. ``made`` has
    of each signature of the contract, by number, the SHA-256 of what it covers, whom its certificate names, the
    time of its timestamp, and how it was confirmed."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = str(root)
        self.scratch = scratch
        self.made: dict[str, tuple[str, str, str, str]] = {}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["openssl", *arguments], cwd=HERE, capture_output=True, check=False)

    def succeeds(self, *arguments: str) -> bool:
        return self.run(*arguments).returncode == 0

    def kept(self, content: bytes) -> str:
        path = self.scratch / "content"
        path.write_bytes(content)
        return str(path)

    def cms(self, signature: str, content: str, moment: str, *signer: str) -> bool:
        """By the certificate that it carries or, with *signer*, by exactly the one in that file."""
        named = ["-nointern", "-certfile", *signer] if signer else ["-certfile", CHAIN]
        trust = ["-CAfile", self.root, "-no-CApath", "-no-CAstore", *named, "-attime", moment]
        given = ["-in", signature, "-content", content]
        output = ["-out", str(self.scratch / "output"), "-signer", str(self.scratch / "signer")]
        return self.succeeds("cms", "-verify", "-binary", "-inform", "DER", *given, *output, *trust)

    def signer(self, name: str) -> str:
        """Whom the certificate names by which the last signature was made, a person or a seal; it is *name*'s."""
        pem = (self.scratch / "signer").read_text("ascii")
        same = pem.strip() == read(f"certificates/{name}.pem").decode("ascii").strip()
        require(same, f"certificates/{name}.pem is not of its signature 证书并非签名所用证书")
        name = self.told("x509", pem, *NAMED)
        return "".join(re.findall(r"^ *2[.]5[.]4[.]5=(.*)$", name, re.MULTILINE))

    def dated(self, *what: str, moment: str) -> bool:
        trust = ["-CAfile", self.root, "-untrusted", CHAIN, "-attime", moment]
        return self.succeeds("ts", "-verify", *what, *trust)

    def token(self, stamp: str, content: str, moment: str) -> bool:
        return self.dated("-token_in", "-in", stamp, "-data", content, moment=moment)

    def stamped(self, stamp: str) -> str:
        """The time of a token, in whole seconds and as the log writes it."""
        told = self.run("ts", "-reply", "-token_in", "-in", stamp, "-text").stdout.decode("ascii", "replace")
        found = re.findall(r"^Time stamp: (\w+ +\d+ [\d:]+)[.\d]* (\d+ GMT)$", told, re.MULTILINE)
        return time.strftime(INSTANT, time.gmtime(seconds(" ".join(found[0]))))

    def stamper(self, stamp: str, among: list[str]) -> str:
        """Which of these certificates, all that there are of timestamp authorities, made it."""
        token, made = str(self.scratch / "token"), str(self.scratch / "output")
        given = [] if stamp.endswith(".tsr") else ["-token_in"]
        self.run("ts", "-reply", *given, "-in", stamp, "-token_out", "-out", token)
        verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", token, "-out", made, "-nointern"]
        by = [name for name in among if self.succeeds(*verify, "-certfile", f"certificates/{name}.pem")]
        require(by != [], f"the certificate of {stamp} is not here 缺少时间戳证书")
        return by[0]

    def date(self, what: str, pem: str, which: str) -> int:
        return seconds(self.told(what, pem, which).strip().partition("=")[2])

    def shown(self, signature: str) -> str:
        """The parts of the CMS, as openssl writes them: each on a line, with its depth."""
        told = self.run("asn1parse", "-inform", "DER", "-in", signature)
        require(told.returncode == 0, f"{signature} cannot be read 签名无法读取")
        return told.stdout.decode("latin-1")

    def value(self, signature: str) -> str:
        """The value of the only signature in the CMS, as openssl writes octets: it alone stands at this depth."""
        shown = re.findall(r"^ *\d+:d=5 .*: OCTET STRING *(.*)$", self.shown(signature), re.MULTILINE)
        return str(shown[0]) if len(shown) == 1 else ""

    def way(self, signature: str) -> str:
        """How the signature was confirmed, as the log names it; nothing where its signed attributes do not say.
        They are the only [0] at this depth: text in parts that nobody signed may look like lines of openssl's."""
        parts = re.split(r"^(?= *\d+:d=5 )", self.shown(signature), flags=re.MULTILINE)
        signed = [part for part in parts if re.match(r".* cons: cont \[ 0 \]", part)]
        require(len(signed) == 1, f"{signature} does not have exactly one set of signed attributes 签名属性不符")
        attribute = r"^ *\d+:d=7 .*: OBJECT *:1[.]3[.]6[.]1[.]4[.]1[.]32473[.]1[.]4\n.*\n.*:(.*)$"
        ways = re.findall(attribute, signed[0], re.MULTILINE)
        return " ".join(f"activated_{way}".replace("-", "_") for way in ways)

    def reply(self, query: str, answer: str, content: str, moment: str) -> bool:
        answers = self.dated("-queryfile", query, "-in", answer, moment=moment)
        return answers and self.dated("-data", content, "-in", answer, moment=moment)

    def trusted(self, pem: str, moment: str, *lists: str) -> bool:
        return self.verify(pem, moment, *lists).returncode == 0

    def listed(self, pem: str, moment: str) -> bool:
        """Whether what keeps it from being trusted is that its issuer's list has it, and nothing else."""
        done = self.verify(pem, moment, "-crl_check", *LISTS)
        errors = re.findall(rb"^error \d.*", done.stdout + done.stderr, re.MULTILINE)
        return len(errors) == 1 and errors[0].startswith(b"error 23 at 0 depth lookup")

    def verify(self, pem: str, moment: str, *lists: str) -> subprocess.CompletedProcess[bytes]:
        time = ["-no_check_time"] if moment == "0" else ["-attime", moment]  # 0: has run out since it signed
        trust = ["-CAfile", self.root, "-no-CApath", "-no-CAstore", "-untrusted", CHAIN, *time]
        return self.run("verify", *lists, *trust, self.kept(pem.encode()))

    def told(self, what: str, pem: str, *options: str) -> str:
        return self.run(what, "-in", self.kept(pem.encode()), "-noout", *options).stdout.decode("utf-8", "replace")

    def log_signed(self) -> bool:
        key = ["-pubin", "-inkey", "log/log.pub.pem"]
        files = ["-sigfile", "log/checkpoint.sig", "-in", "log/checkpoint.text"]
        return self.succeeds("pkeyutl", "-verify", "-rawin", *key, *files)


def check_files(manifest: dict[str, Any]) -> None:
    listed = {file["path"]: file for file in manifest["files"]}
    require(len(listed) == len(manifest["files"]), "the manifest lists a file twice 清单重复列出文件")
    found = list(HERE.rglob("*"))
    require(not any(path.is_symlink() for path in found), "there are links among the files 文件中有链接")
    present = {path.relative_to(HERE).as_posix() for path in found if not path.is_dir()}
    require(present == set(listed) | SEALS, "files that the manifest does not list, or missing 文件多余或缺失")
    odd = [path for path in present if not NAMES.fullmatch(path)]
    require(not odd, f"no rule says what files of these names count for 文件名不合规则: {sorted(odd)}")
    for path, file in listed.items():
        content = read(path)
        same = len(content) == file["size"] and hashlib.sha256(content).hexdigest() == file["sha256"]
        require(same, f"{path} is not the one in the manifest 与清单不符")
    show("ok    every file is the one in the manifest, and no other is here 全部文件与清单一致，且无多余文件")


def check_manifest(openssl: OpenSSL, moment: str) -> None:
    signed = openssl.cms("manifest.p7s", "manifest.json", moment)
    require(signed, "signature of the manifest 清单签名无效")
    service = openssl.run("x509", "-in", SERVICE).stdout.decode("ascii")
    by_service = openssl.cms("manifest.p7s", "manifest.json", moment, openssl.kept(service.encode()))
    other = "signature of the manifest by another than the evidence service 清单并非由证据服务签名"
    require(by_service and is_service(openssl, service), other)
    dated = openssl.reply("manifest.tsq", "manifest.tsr", "manifest.json", moment)
    require(dated, "timestamp of the manifest 清单时间戳无效")
    show(
        "ok    signature of the manifest by the evidence service, and its timestamp 证据服务的清单签名与时间戳有效"
    )


def is_service(openssl: OpenSSL, pem: str) -> bool:
    """The names of people and seals have a serialNumber (2.5.4.5), those of services none; other services have
    another extended key usage, authorities none."""
    name = openssl.told("x509", pem, *NAMED)
    kinds = re.findall(r"^ *(2[.]5[.]4[.][0-9]+)=", name, re.MULTILINE)
    usage = openssl.told("x509", pem, "-ext", "extendedKeyUsage")
    return "2.5.4.3" in kinds and "2.5.4.5" not in kinds and "E-mail Protection" in usage


def check_index(manifest: dict[str, Any], lines: list[list[str]]) -> None:
    """index.txt passes nothing over that is here, and has the manifest's time."""

    def names(pattern: str) -> set[str]:
        return {path.stem for path in HERE.glob(pattern)}

    signed = names("signatures/*.p7s")
    told = {stem: leaf for stem in names("log/entries/*.json") if (leaf := entry_of(stem))["kind"] == SIGNED}
    expected = {
        "signature": signed,
        "timestamp": names("signatures/*.tst") - signed,
        "certificate": names("certificates/*.pem") - {"ca", "chain", "crls"},
        "record": {f"{folder}/{name}" for folder, files in RECORDS.items() for name in names(f"{folder}/{files}")},
        "grounds": names("authority/[0-9]*.json"),
        "letter": names("authority/*.pdf"),
        "agreed": {stem for stem, leaf in told.items() if "agreement" in leaf["public"]},
        "entry": names("log/entries/*.json"),
    }
    for what, wanted in expected.items():
        found = sorted(line[1] for line in lines if line[0] == what)
        found = sorted(set(found)) if what == "letter" else found
        require(found == sorted(wanted), f"index.txt does not go through each {what} 索引未列全文件")
    require([line[0] for line in lines].count("checkpoint") == 1, "index.txt has no checkpoint 索引未列检查点")
    require("01" in signed, "there is no signature 没有任何签名")
    made = time.strftime(INSTANT, time.gmtime(int(lines[0][1])))
    same = lines[0][0] == "created" and made == manifest["created"]
    require(same, "index.txt has another time than the manifest 索引时间与清单不符")
    show("ok    index.txt goes through all files 索引涵盖全部文件")


def check_contract(openssl: OpenSSL, lines: list[list[str]], moment: str) -> None:
    """It begins with the original; each signature that it has since then is here once, at a place of its own."""
    signed, given = read("contract/contract.signed.pdf"), read("contract/contract.pdf")
    require(
        signed.startswith(given), "the signed contract does not begin with the original 已签合同并非以原始合同开头"
    )
    carried, before = signed.count(b"/ByteRange"), given.count(b"/ByteRange")
    told = [int(line[2]) for line in lines if line[0] in ("signature", "timestamp")]
    whole = len(told) == len({each for each in told if each >= len(given)}) == carried - before
    require(whole, "a signature in the contract is not in this package 合同中有签名未列入本包")
    if before:
        show("NOTE  the contract was given with signatures or timestamps in it, which are not checked here; those")
        show("      who made them have declared nothing by that")
        show("      合同提交时已带有签名或时间戳，此处未核验；仅凭这些签名，其签署人未作任何声明")
    names = ("contract/contract.tsq", "contract/contract.tsr", "contract/contract.signed.pdf")
    require(openssl.reply(*names, moment), "timestamp of the signed contract 已签合同时间戳无效")
    show("ok    the signed contract begins with the original and is dated 已签合同以原始合同开头，时间戳有效")


def covered(numbers: list[int], embedded: bytes) -> bytes:
    """The bytes of the signed PDF that a signature covers, after a look at the gap: it holds *embedded* alone, and
    these bytes themselves say where it is. With the gap elsewhere the same bytes are another document."""
    head, tail, length = numbers
    document = read("contract/contract.signed.pdf")
    gap = document[head:tail]
    require(gap[:1] == b"<" and gap[-1:] == b">", "there is no signature in the PDF where one should be")
    room = bytes.fromhex(gap[1:-1].decode("ascii"))
    same = room.startswith(embedded) and not room[len(embedded) :].strip(b"\0")
    require(same, "a signature is not the one in the PDF 签名与 PDF 内不符")
    stated = re.compile(RANGE % (head, tail, length))
    said = stated.search(document, 0, head) or stated.search(document, tail, tail + length)
    require(said is not None, "what is signed does not say that the signature is there 签名位置与签署内容所载不符")
    return document[:head] + document[tail : tail + length]


def check_signature(openssl: OpenSSL, number: str, *rest: str) -> None:
    name, numbers, moment = f"signatures/{number}", [int(each) for each in rest[:3]], rest[3]
    content = covered(numbers, read(f"{name}.p7s"))
    require(openssl.cms(f"{name}.p7s", openssl.kept(content), moment), f"signature {number} 签名无效")
    digest, signer = hashlib.sha256(content).hexdigest(), openssl.signer(number)
    openssl.made[number] = digest, signer, openssl.stamped(f"{name}.tst"), openssl.way(f"{name}.p7s")
    check_value(openssl, name, moment)
    show(f"ok    signature {number} and its timestamp, over {reach(numbers)} 签名及其时间戳有效")


def reach(numbers: list[int]) -> str:
    """How much of the signed PDF a signature covers. What was added later may look like anything."""
    end, size = numbers[1] + numbers[2], len(read("contract/contract.signed.pdf"))
    return f"{end} of {size} bytes"


def check_told(openssl: OpenSSL, contract: str) -> None:
    """The log tells, of this contract, of exactly the signatures that it carries, each by whom its certificate
    names, at the time of its timestamp, confirmed then as its signed attribute says; for a person nobody else has
    acted. What signatures rest on by the log is here."""
    signed = [{**leaf["public"], "at": leaf["at"]} for leaf in leaves() if leaf["kind"] == SIGNED]
    own = all(each["signer"] == each["actor"] or each["signer"].startswith("seal-") for each in signed)
    own = own and all(each.get("contract") == contract for each in signed)
    carried = sorted(made[:2] for made in openssl.made.values())
    same = own and sorted((each["signed"], each["signer"]) for each in signed) == carried
    require(same, "the log tells of other signatures than the contract carries 日志所载签名与合同内签名不符")
    times = sorted((each["signed"], each["at"]) for each in signed)
    same = times == sorted(made[::2] for made in openssl.made.values())
    require(same, "the log has another time of a signature than its timestamp 日志所载签名时间与时间戳不符")
    here = len(list(HERE.glob("authority/[0-9]*.json")))
    whole = sum("grounds" in each for each in signed) == here
    require(whole, "the grounds of a signature that the log names are not here 缺少日志所载的签署依据")
    way = {each["signed"]: {name: each[name] for name in each if name.startswith("activated_")} for each in signed}
    ways = [(digest, " ".join(said)) for digest, said in way.items()]
    same = all({each["at"]} >= set(way[each["signed"]].values()) for each in signed)
    same = same and sorted(ways) == sorted(made[::3] for made in openssl.made.values())
    require(
        same, "the log tells of another way of confirming than the signature itself 日志所载确认方式与签名不符"
    )
    show("ok    the log tells of exactly the signatures in the contract 日志所载签名与合同内签名一致")


def check_resting(lines: list[list[str]]) -> None:
    """No acceptance, text of the agreement, letter or confirmation is here on which no signature rests."""
    signed = [leaf["public"] for leaf in leaves() if leaf["kind"] == SIGNED]
    agreed = {number for what, *rest in lines if what == "agreed" for number in rest[1].split(",")}
    alone = {("vermilion-agreement/1", each["actor"]) for each in signed if "agreement" not in each}
    named = set()
    for path in (HERE / "agreement").glob("*.json"):
        record = parsed(path.read_bytes())
        rests = path.stem in agreed or (record["format"], record["person"]) in alone
        require(rests, f"no signature rests on agreement/{path.name} 没有签名以该接受记录为依据")
        text = f"electronic-signing-{record['version']}"
        named |= {(f"{text}.{language}.md", digest) for language, digest in record["texts"].items()}
    texts = {(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in HERE.glob("agreement/*.md")}
    require(texts <= named, "no acceptance names a text of the agreement that is here 协议文本没有接受记录载明")
    powers = {each.get("power") for each in signed if "grounds" in each}
    unused = {path.stem for path in HERE.glob("authority/power-*")} - powers
    require(not unused, f"no signature rests on {sorted(unused)} 没有签名以该授权委托书为依据")


def check_value(openssl: OpenSSL, name: str, moment: str) -> None:
    own = openssl.value(f"{name}.p7s") == "[HEX DUMP]:" + read(f"{name}.sig").hex().upper()
    require(own, f"{name}.sig is not of its signature 签名值不符")
    dated = openssl.token(f"{name}.tst", f"{name}.sig", moment)
    require(dated, f"timestamp of {name} 签名时间戳无效")


def check_timestamp(openssl: OpenSSL, number: str, *rest: str) -> None:
    name, numbers, moment = f"signatures/{number}.tst", [int(each) for each in rest[:3]], rest[3]
    content = openssl.kept(covered(numbers, read(name)))
    require(openssl.token(name, content, moment), f"document timestamp {number} 文档时间戳无效")
    show(f"ok    document timestamp {number} 文档时间戳有效")


def check_times(openssl: OpenSSL, lines: list[list[str]], created: str) -> None:
    """Signatures and records are of the times that their timestamps prove, and their certificates are judged by
    these; those of evidence service and timestamp authority by the time of the manifest, and those of its earlier
    keys by when the last of the timestamps of each is proven to have been there: by the document timestamp after
    it; for records by the completion of the contract."""
    acted = {"evidence": created, "timestamping": created}
    stampers = {path.stem: 0 for path in HERE.glob("certificates/timestamping*.pem")}
    stamps = {"log/checkpoint.tst": int(created), "contract/contract.tsr": int(created)}
    dated = [int(rest[-1]) for what, *rest in lines if what == "timestamp"]
    completed = (moment_of(leaf["at"]) for leaf in leaves() if leaf["kind"] == "contract-completed")
    ended = min(completed, default=int(created))
    for what, name, *rest in lines:
        if what in ("signature", "timestamp", "record"):
            stamp = f"{name}.tst" if what == "record" else f"signatures/{name}.tst"
            proven = moment_of(openssl.stamped(stamp))
            require(rest[-1] == str(proven), f"index.txt has another time than {stamp} 索引时间与时间戳不符")
            acted[name.replace("/", "-")] = rest[-1]
            after = min((each for each in dated if each > proven), default=int(created))
            stamps[stamp] = ended if what == "record" else after
    for stamp, until in stamps.items():
        by = openssl.stamper(stamp, list(stampers))
        stampers[by] = max(stampers[by], until)
    acted = {name: str(until) for name, until in stampers.items()} | acted
    newest = max(openssl.date("crl", each, "-lastupdate") for each in parts("certificates/crls.pem"))
    for what, name, *rest in lines:
        if what == "certificate":
            ends = openssl.date("x509", read(f"certificates/{name}.pem").decode("ascii"), "-enddate")
            same = rest == [str(newest if newest <= ends else 0), acted.get(name)]
            require(same, f"index.txt has other times for certificate {name} 索引中证书的时间不符")


def parts(path: str) -> list[str]:
    """The certificates or lists of a PEM file."""
    return re.findall(r"-----BEGIN .*?-----END [^\n]*\n", read(path).decode("ascii"), re.DOTALL)


def moment_of(text: str) -> int:
    return calendar.timegm(time.strptime(text, INSTANT))


def seconds(date: str) -> int:
    return calendar.timegm(time.strptime(" ".join(date.split()), "%b %d %H:%M:%S %Y GMT"))


def listed_since(openssl: OpenSSL, serial: str) -> list[int]:
    """Since when (seconds since 1970) the lists have it as not to be believed: its revocation and, where a key is
    in other hands, the date since when (RFC 5280, 5.3.2)."""
    found: list[int] = []
    for crl in parts("certificates/crls.pem"):
        told = openssl.told("crl", crl, "-text").split("\n    Signature Algorithm:")[0]
        for entry in re.split(r"\n +Serial Number: ", told)[1:]:
            if entry.split("\n")[0] == serial:
                dates = r"Revocation Date: +(.*)"
                if re.search(r"Reason Code: *\n +(Key|CA) Compromise", entry):
                    dates = r"(?:Revocation|Invalidity) Date:\s+(.*)"
                found += map(seconds, re.findall(dates, entry))
    return found


def stands(openssl: OpenSSL, pem: str, moment: str, signed: int) -> bool:
    """It leads to the root and, if its issuer's list has it, then only since after it signed."""
    if not openssl.trusted(pem, moment):
        return False
    if openssl.trusted(pem, moment, "-crl_check", *LISTS):
        return True
    since = listed_since(openssl, openssl.told("x509", pem, "-serial").strip().partition("=")[2])
    return openssl.listed(pem, moment) and bool(since) and signed < min(since)


def path_stands(openssl: OpenSSL, pem: str, moment: str, signed: int) -> bool:
    chain = [(openssl.told("x509", each, "-subject_hash"), each) for each in parts(CHAIN)]
    path = [pem]
    for each in path:
        issuer = openssl.told("x509", each, "-issuer_hash")
        path += [above for subject, above in chain if subject == issuer and above not in path]
    return all(stands(openssl, each, moment, signed) for each in path)


def check_certificate(openssl: OpenSSL, name: str, moment: str, signed: str) -> None:
    """It and those above it lead to the root, and none was revoked by the time that it signed."""
    pem = read(f"certificates/{name}.pem").decode("ascii")
    alone = openssl.run("x509", "-in", f"certificates/{name}.pem").stdout.decode() == pem
    require(alone, f"certificates/{name}.pem is more than a certificate 证书文件有其他内容")
    good = openssl.trusted(pem, moment, "-crl_check_all", *LISTS) or path_stands(openssl, pem, moment, int(signed))
    sentence = f"certificate {name} was revoked when it signed, or is not trusted 证书签署时已被吊销或不受信任"
    require(good, sentence)
    show(f"ok    certificate {name} is trusted and was not revoked when it signed 证书受信任且签署时未被吊销")


def check_record(openssl: OpenSSL, name: str, moment: str) -> None:
    require(openssl.cms(f"{name}.p7s", f"{name}.json", moment), f"signature of {name}.json 签名无效")
    signer = openssl.signer(name.replace("/", "-"))
    check_value(openssl, name, moment)
    if name.startswith("authority/"):
        pem = read(f"certificates/{name.replace('/', '-')}.pem").decode("ascii")
        by_it = openssl.cms(f"{name}.p7s", f"{name}.json", moment, openssl.kept(pem.encode()))
        require(
            by_it and is_service(openssl, pem), f"{name}.json is not the authority's 确认声明并非由证据服务签名"
        )
    else:
        own = signer == parsed(read(f"{name}.json"))["person"]
        require(own, f"{name}.json is signed by somebody else than the person in it 并非由所载人员签名")
    show(f"ok    signature and timestamp of {name}.json 签名与时间戳有效")


def entry_numbers() -> list[str]:
    """Of the entries of the log, in its order."""
    return sorted((path.stem for path in (HERE / "log/entries").glob("*.json")), key=int)


def entry_of(number: str) -> Any:
    return parsed(read(f"log/entries/{number}.json"))


def leaves() -> list[Any]:
    """All entries of the log that are here."""
    return [entry_of(number) for number in entry_numbers()]


def opening_of(number: str) -> dict[str, Any]:
    """The private fields of an entry that are here."""
    path = f"log/openings/{number}.json"
    opened = parsed(read(path)) if (HERE / path).exists() else {}
    return {name: each["value"] for name, each in opened.items()}


def check_agreement(openssl: OpenSSL, number: str, entry: str) -> None:
    """What was accepted is what the log's entry has, in the texts that lie beside it."""
    path, leaf = f"agreement/{number}.json", entry_of(entry)
    content, public = read(path), leaf["public"]
    record = parsed(content)
    same = public["signed"] == hashlib.sha256(content).hexdigest() and record["person"] == public["actor"]
    same = same and all(record[name] == public.get(name) for name in ("person", "version"))
    same = same and leaf["at"] == openssl.stamped(f"agreement/{number}.tst")
    require(same and leaf["kind"] == "agreement-accepted", f"the log has another acceptance than {path} 不符")
    own = record["party"].get("subject", record["person"]) == record["person"]
    require(own, f"somebody else has accepted for the person in {path} 并非当事人本人接受")
    for language, digest in record["texts"].items():
        text = read(f"agreement/electronic-signing-{record['version']}.{language}.md")
        require(digest == hashlib.sha256(text).hexdigest(), f"the text accepted in {path} is another one 文本不符")
    show(f"ok    acceptance {number} of the agreement on electronic signing 电子签名使用协议接受记录与日志一致")


def side_of(number: str) -> str | None:
    """The party that signed in this entry: the organisation, or the person; None where the name was erased."""
    opened = opening_of(number)
    if "organisation" not in opened:
        return None
    organisation = str(opened["organisation"] or "").strip()
    return f"organisation:{organisation}" if organisation else str(entry_of(number)["public"]["signer"])


def side_in(side: dict[str, str]) -> str:
    return side.get("subject") or f"organisation:{side['name']}"


def check_carried(openssl: OpenSSL, number: str, signed: str) -> None:
    """Who accepted has made this signature, or is certified under the organisation for which they did: it names it
    in the subject or, where that has no room, in full beside it. Earlier formats did not demand that."""
    record, pem = parsed(read(f"agreement/{number}.json")), read(f"certificates/agreement-{number}.pem").decode()
    party, element = record["party"], "(?:82....|81..|[0-7].)"
    named = dict(re.findall(r"^ *2[.]5[.]4[.](\d+)=(.*)$", openssl.told("x509", pem, *NAMED), re.MULTILINE))
    told = openssl.run("asn1parse", "-in", openssl.kept(pem.encode())).stdout.decode("ascii", "replace")
    longer = rf":1[.]3[.]6[.]1[.]4[.]1[.]32473[.]1[.]3\n.*DUMP\]:30{element}80{element}([0-9A-F]+)"
    full, found = f"{party['name'].encode().hex().upper()}(?:81.*)?", re.findall(longer, told)
    under = re.fullmatch(full, found[0]) if found else named.get("10") == party["name"]
    if record["person"] == entry_of(signed)["public"]["signer"] or ("subject" not in party and under):
        return
    whose = f"{party['name']}: {named.get('3')} ({named.get('10') or '—'})"
    earlier = record["format"] in ("vermilion-agreement/2", "vermilion-agreement/3")
    require(earlier, f"agreement/{number}.json is by somebody of another organisation 接受者不属于该单位: {whose}")
    show(f"NOTE  entry {signed} rests on what somebody not certified under it accepted 接受者证书所载并非该单位:")
    show(f"      {whose}")


def check_agreed(openssl: OpenSSL, signed: str, numbers: str, accepted: str) -> None:
    """The signature rests on acceptances from before it, for its party, that name all parties."""
    leaf, entries = entry_of(signed), accepted.split(",")
    named = [int(each) for each in leaf["public"]["agreement"].split(" ")]
    require(
        named == list(map(int, entries)), f"the log names other acceptances for the signature in entry {signed}"
    )
    before = all(int(each) < int(signed) and entry_of(each)["at"] <= leaf["at"] for each in entries)
    require(before, f"an acceptance does not come before the signature in entry {signed} 接受协议晚于签名")
    for number, each in zip(numbers.split(","), entries, strict=True):
        check_agreement(openssl, number, each)
        check_carried(openssl, number, signed)
    records = [parsed(read(f"agreement/{number}.json")) for number in numbers.split(",")]
    own = {side_in(record["party"]) for record in records}
    whose = side_of(signed)
    require(whose is None or own == {whose}, f"an acceptance is not for the party of the signature in {signed}")
    reached = own | {side_in(side) for record in records for side in record["counterparties"]}
    others = {path.stem for path in (HERE / "log/entries").glob("*.json") if entry_of(path.stem)["kind"] == SIGNED}
    sides = {side_of(number) for number in others} - {None}
    require(sides <= reached, f"the acceptances for the signature in entry {signed} do not name all parties")
    if whose is None:
        show(f"NOTE  entry {signed} does not name its party, erased or left out 未载明签名一方（已删除或未提供）")
        return
    show(f"ok    the party of the signature in entry {signed} had agreed before 签名一方此前已约定采用电子签名")


def key_of(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def among(name: str, names: list[str]) -> bool:
    return not names or key_of(name) in map(key_of, names)


def check_authorisation_basis(openssl: OpenSSL, number: str, entry: str) -> None:
    path, leaf = f"authority/{number}.json", parsed(read(f"log/entries/{entry}.json"))
    content, public, at = read(f"authority/{number}.json"), leaf["public"], leaf["at"]
    record = parsed(content)
    same = public["grounds"] == hashlib.sha256(content).hexdigest() and record["person"] == public["actor"]
    same = same and leaf["kind"] == SIGNED
    same = same and all(record[name] == public.get(name) for name in ("contract", "party", "field", "signer"))
    require(same, f"{path} is not what the log names 签署依据与日志不符")
    own = public["signed"] == openssl.made[number][0] and at == openssl.stamped(f"signatures/{number}.tst")
    require(own, f"{path} is of another signature, or the log has another time 签署依据不属于该签名或时间不符")
    power = public.get("power")
    needed = None if record["outcome"] == "not-needed" else record["considered"][0]["power"]["id"]
    require(needed is not None or record["matter"]["needed"] is False, f"{path}: without a power 未载明授权委托书")
    listed = power is None or f"letter {power} {number}" in read("index.txt").decode().splitlines()
    require(power == needed and listed, f"index.txt passes over the letter of {path} 索引未列授权委托书")
    matter = record["matter"]
    check_identity(path, record, public.get("identity"), at)
    if record["outcome"] != "not-needed":
        own = record["considered"][0]["power"]["agent"] == record["person"]
        require(own, f"{path} is for somebody else 授权主体不符")
        check_power(path, record, at)
        check_stated(path, matter)
        check_sides(path, matter, entry)
    show(f"ok    the grounds of signature {number} hold 签署依据有效")


def check_identity(path: str, record: dict[str, Any], named: str | None, at: str) -> None:
    """The identity check is the one that the log has, by somebody else, and covers the signature."""
    identity = record["identity"]
    same = named == (identity and identity["id"])
    if same and identity is not None:
        require(identity["since"] <= at < identity["until"], f"identity check in {path} 身份核验不在有效期内")
        checked = told_of("identity", identity["id"], "identity-checked")
        facts = checked[-1][1] if checked else {"at": "", "actor": ""}
        said = ("document", "commitment", "against", "answers", "until")
        same = all(facts.get(name) == identity[name] for name in said) and facts["at"] == identity["since"]
        same = same and facts["person"] == record["person"] != facts["actor"] == identity["checked_by"]
        withdrawn = told_of("identity", identity["id"], "identity-withdrawn")
        same = same and all(each["at"] >= at for _, each in withdrawn)
    require(same, f"the log has another identity check than {path} 身份核验与日志不符")


def check_stated(path: str, matter: dict[str, Any]) -> None:
    """Amount and type are those that the log has of the contract, where they were not erased."""
    kinds, stated = ("contract-drafted", "contract-revised"), {}
    for number in entry_numbers():
        opened = opening_of(number)
        if opened and entry_of(number)["kind"] in kinds:
            stated = {"amount": None, "kind": matter["kinds"][0], **opened}
    if stated:
        currency, _, units = str(stated["amount"] or "").partition(" ")
        amount = int("".join(re.findall(r"\d", units))) if stated["amount"] is not None else None
        same = amount == matter["amount"] and (amount is None or currency == matter["currency"])
        require(same and stated["kind"] == matter["kinds"][0], f"{path}: amount or type 金额或类型与日志不符")


def check_power(path: str, record: dict[str, Any], at: str) -> None:
    """Term and scope of the power cover the signature; times in the log are UTC, so text order is time order."""
    considered, matter, signer = record["considered"][0], record["matter"], record["signer"]
    power = considered["power"]
    require(considered["covers"] is True, f"{path} does not say that the power covers this 未获授权")
    require(power["since"] <= at < power["until"], f"the term in {path} is over 不在授权期限内")
    verified, registered = power["verified"], power["registered"]
    require(verified["by"] not in (registered["by"], power["agent"]), f"{path}: no second person 未经第二人核验")
    same = power["agent"] == matter["agent"] and key_of(power["grantor"]) == key_of(matter["organisation"])
    require(same, f"{path} is for somebody else 授权主体不符")
    if power["basis"] == "legal-representative":
        return
    require(any(among(kind, power["kinds"]) for kind in matter["kinds"]), f"{path}: type 合同类型超出授权")
    others = all(among(each, power["counterparties"]) for each in matter["counterparties"])
    require(others, f"{path}: counterparty 相对方超出授权")
    own = matter["seal"] == (signer if signer.startswith("seal-") else None)
    require(own and matter["seal"] in [None, *power["seals"]], f"{path}: seal 印章超出授权")
    if power["limit"] is not None:
        amount = matter["amount"]
        unstated = amount is None and not matter["amount_needed"]
        within = amount is not None and matter["currency"] == power["currency"] and amount <= power["limit"]
        require(unstated or within, f"{path}: amount 金额超出授权")


def organisation_of(number: str) -> str | None:
    """The organisation for which somebody signed in this entry; None where the name was erased."""
    opened = opening_of(number)
    return str(opened["organisation"] or "") if "organisation" in opened else None


def check_sides(path: str, matter: dict[str, Any], entry: str) -> None:
    """For whom the signature in this entry was made, and with whom, is what the log has of the signatures."""
    own = organisation_of(entry)
    same = own is None or key_of(own) == key_of(matter["organisation"])
    require(same, f"{path} is for another side than the signature 授权主体并非签名一方")
    signed = [each.stem for each in (HERE / "log/entries").glob("*.json") if entry_of(each.stem)["kind"] == SIGNED]
    sides = filter(None, map(organisation_of, signed))
    every = all(among(each, [matter["organisation"], *matter["counterparties"]]) for each in sides)
    require(every, f"{path} does not name all other sides 签署依据未列明全部相对方")


def check_instrument(openssl: OpenSSL, power: str, number: str) -> None:
    considered = parsed(read(f"authority/{number}.json"))["considered"][0]["power"]
    digest = hashlib.sha256(read(f"authority/{power}.pdf")).hexdigest()
    require((considered["id"], considered["letter"]) == (power, digest), f"letter {power} 授权委托书不符")
    show(f"ok    the letter {power} is the one that signature {number} rests on 授权委托书与签署依据一致")
    check_confirmed(power, considered, number)


def told_of(what: str, name: str, kind: str) -> list[tuple[int, dict[str, Any]]]:
    """The log's entries of this kind about a power or an identity check: number, time and public fields."""
    told = [(int(number), entry_of(number)) for number in entry_numbers()]
    own = [each for each in told if each[1]["kind"] == kind and each[1]["public"].get(what) == name]
    return [(number, {**leaf["public"], "at": leaf["at"]}) for number, leaf in own]


def signed_at(number: str) -> str:
    """When the log has the signature that rests on these grounds; empty for none."""
    digest = hashlib.sha256(read(f"authority/{number}.json")).hexdigest()
    return max((leaf["at"] for leaf in leaves() if leaf["public"].get("grounds") == digest), default="")


def check_confirmed(power: str, considered: dict[str, Any], number: str) -> None:
    """Officers have confirmed exactly this before the signature, as the authority states, or nobody could ask for
    that yet."""
    registered, verified, revoked = (
        told_of("power", power, f"power-{kind}") for kind in ("registered", "verified", "revoked")
    )
    once = len(registered) == len(verified) == 1 and registered[0][0] < verified[0][0]
    require(once, f"the log does not say once that {power} was verified 日志未载明授权委托书经核验")
    facts, (entry, public), at = registered[0][1], verified[0], signed_at(number)
    same = all(facts[name] == considered[name] for name in ("agent", "basis", "since", "until"))
    same = same and considered["letter"] == facts["digest"] == public["digest"]
    require(same, f"the log has other terms of {power} than signature {number} 授权委托书与日志不符")
    by = public["actor"]
    apart = by not in (facts["actor"], considered["agent"]) and by == considered["verified"]["by"]
    require(apart, f"{power}: no second person 未经第二人核验")
    require(all(each["at"] >= at for _, each in revoked), f"{power} was revoked 签名前授权委托书已被撤销")
    path = f"authority/{power}.json"
    if not (HERE / path).exists():
        since = parsed(read("manifest.json")).get("powers_stated_since")
        before = "statement" not in public and (since is None or entry < since) and public["at"] <= at
        require(before, f"the statement that officers confirmed {power} is missing 缺少登记员确认授权委托书的声明")
        if since is not None:
            show(f"NOTE  {power} was confirmed before statements began 授权委托书确认于确认声明启用之前")
        return
    content = read(path)
    said = parsed(content)
    about, by = said["power"], {officer["subject"] for officer in said["confirmed_by"]}
    same = said["format"] == "vermilion-power/1" and all(about[name] == considered[name] for name in SAID)
    same = same and about["registered_by"] == considered["registered"]["by"]
    require(same, f"{path} is about another power of attorney 确认声明与授权委托书不符")
    in_log = public["statement"] == hashlib.sha256(content).hexdigest() and public["actor"] in by
    require(in_log, f"{path} is not the one in the log 确认声明与日志不符")
    require(
        max(said["confirmed"], public["at"]) <= at, f"{path} was made after signature {number} 确认声明晚于签名"
    )
    show(f"ok    officers have confirmed {power} 授权委托书经登记员确认")


def check_checkpoint(openssl: OpenSSL, moment: str) -> None:
    note, text = read("log/checkpoint"), read("log/checkpoint.text")
    require(note.startswith(text + b"\n"), "log/checkpoint.text is not the checkpoint's 与检查点不符")
    named = parsed(read("manifest.json"))["checkpoint"]
    same = text.decode() == "{origin}\n{size}\n{root}\n".format(**named)
    require(same, "the log's checkpoint is not the one that the manifest names 日志检查点与清单所载不符")
    key = read("log/log.vkey").decode().strip().split("+", 2)[2]
    spki = base64.b64decode("".join(read("log/log.pub.pem").decode().splitlines()[1:-1]))
    require(spki.endswith(base64.b64decode(key)[1:]), "log/log.pub.pem is not the key of log.vkey 日志公钥不符")
    require(openssl.log_signed(), "signature of the log's checkpoint 日志检查点签名无效")
    dated = openssl.token("log/checkpoint.tst", "log/checkpoint", moment)
    require(dated, "timestamp of the log's checkpoint 检查点时间戳无效")
    show("ok    the log's checkpoint and its timestamp 日志检查点及其时间戳有效")


def root_of(leaf: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, with the hashing of RFC 6962, 2.1."""
    current, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    require(0 <= index <= last, "a proof is for an entry that the log does not have")
    for sibling in hashes:
        require(last > 0, "a proof has too many hashes")
        if index % 2 or index == last:
            current = hashlib.sha256(b"\1" + sibling + current).digest()
            while not index % 2 and index:
                index, last = index // 2, last // 2
        else:
            current = hashlib.sha256(b"\1" + current + sibling).digest()
        index, last = index // 2, last // 2
    require(last == 0, "a proof has too few hashes")
    return current


def check_opening(number: str) -> None:
    """The private fields in the clear are those that the entry commits to."""
    path = f"log/openings/{number}.json"
    if not (HERE / path).exists():
        return
    committed = parsed(read(f"log/entries/{number}.json"))["commitments"]
    for name, opened in parsed(read(path)).items():
        fields = {"name": name, "salt": opened["salt"], "value": opened["value"]}
        text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        same = hashlib.sha256(text.encode()).hexdigest() == committed[name]
        require(same, f"a private field of entry {number} is not the one in the log 条目内容与日志不符")


def check_history(openssl: OpenSSL, contract: str) -> None:
    """The contract's entries are a chain: each names its place and the hash of the one before; none is missing."""
    same = parsed(read("manifest.json"))["contract"] == contract
    require(same, "the history is about another contract than the manifest 历史记录与清单所载合同不符")
    before, count, last = None, 0, {}
    for path in sorted((HERE / "log/entries").glob("*.json")):
        number, leaf = path.stem, read(f"log/entries/{path.name}")
        public, kind = (parsed(leaf)[name] for name in ("public", "kind"))
        if public.get("contract") != contract:
            continue
        count += 1
        follows = public.get("sequence") == count and public.get("previous") == before
        require(follows, f"the history has a gap before log entry {number} 历史记录在此条目之前有缺失")
        before, last[kind] = hashlib.sha256(b"\0" + leaf).hexdigest(), public
    require(count > 0, "no log entry is of this contract 没有本合同的日志条目")
    completed = last.get("contract-completed", {"size": 0, "digest": ""})
    signed = read("contract/contract.signed.pdf")[: completed["size"]]
    same = hashlib.sha256(signed).hexdigest() == completed["digest"]
    require(same, "the history does not end with the signed file 历史记录未载明该签署文件已完成")
    show(f"ok    the history has no gap: {count} entries 历史记录完整无缺：{count} 条")
    check_void(openssl, contract, last.get("contract-voided", {}).get("voiding"))
    check_given(contract)


def check_given(contract: str) -> None:
    """The contract as given is what was drafted, by the log; and what the content check found in it, and who
    answered for that, is what the log has."""
    given = hashlib.sha256(read("contract/contract.pdf")).hexdigest()
    own = [leaf["public"] for leaf in leaves() if leaf["public"].get("contract") == contract]
    drafted = any(each.get("digest") == given and "pages" in each for each in own)
    require(drafted, "contract/contract.pdf is not what was drafted by the log 合同原件与日志所载不符")
    for path in (HERE / "review").glob("*.json"):
        kind, name = ("content-checked", "check") if path.stem == "check" else ("review-signed-off", "record")
        by = parsed(path.read_bytes()).get("reviewer")
        wanted = {"contract": contract, "document": given, name: hashlib.sha256(path.read_bytes()).hexdigest()}
        wanted |= {} if by is None else {"actor": by}
        known = any(leaf["kind"] == kind and wanted.items() <= leaf["public"].items() for leaf in leaves())
        require(known, f"the log knows nothing of review/{path.name} 日志中没有该审查记录")


def check_events() -> None:
    """history.json tells what the entries of the log say, each value as it stands there."""
    said = parsed(read("history/history.json"))["events"]
    moments = [each.pop("at") for each in said]
    told, times = [], []
    for number in entry_numbers():
        leaf = entry_of(number)
        actor, about = leaf["public"].pop("actor", ""), {"private": opening_of(number), "public": leaf["public"]}
        told.append({"actor": actor, "entry": int(number), "kind": leaf["kind"], **about})
        times.append(leaf["at"])
    local = [datetime.fromisoformat(each["local"]).utctimetuple() for each in moments]
    same = json.dumps(said, sort_keys=True) == json.dumps(told, sort_keys=True)
    same = same and [each["utc"] for each in moments] == times == [time.strftime(INSTANT, each) for each in local]
    require(same, "the history is not what the log's entries say 历史记录与日志条目不符")
    show("ok    the history is what the log's entries say 历史记录与日志条目一致")


def files_of(contract: str) -> set[str]:
    """The digests of the signed file as it was completed, and as it was renewed."""
    stages = [
        leaf["public"]
        for leaf in leaves()
        if leaf["public"].get("contract") == contract and leaf["kind"] in ("contract-completed", "archive-renewed")
    ]
    signed = read("contract/contract.signed.pdf")
    return {
        each["digest"] for each in stages if hashlib.sha256(signed[: each["size"]]).hexdigest() == each["digest"]
    }


def check_void(openssl: OpenSSL, contract: str, proposal: str | None) -> None:
    """A contract that is void has the declarations that the log has of it, with its title and its signed file; any
    other one none."""
    own = [
        {**leaf["public"], "at": leaf["at"]}
        for leaf in leaves()
        if leaf["public"].get("contract") == contract and leaf["kind"] == DECLARED
    ]
    declared = [public for public in own if public["voiding"] == proposal]
    wanted = sorted((each["signed"], each["actor"], contract, proposal, each["at"]) for each in declared)
    names = [f"voiding/{path.stem}" for path in (HERE / "voiding").glob("*.json")]
    said = {name: parsed(read(f"{name}.json")) for name in names}
    about = {name: (each["person"], each["contract"], each["voiding"]) for name, each in said.items()}
    dated = {
        name: (hashlib.sha256(read(f"{name}.json")).hexdigest(), openssl.stamped(f"{name}.tst")) for name in said
    }
    found = sorted((dated[name][0], *about[name], dated[name][1]) for name in said)
    silent = {leaf["public"]["actor"] for leaf in leaves() if leaf["kind"] == SIGNED}
    silent -= {each["actor"] for each in declared}
    same = found == wanted and (proposal is None or (bool(wanted) and not silent))
    title = parsed(read("history/history.json"))["title"]
    held = files_of(contract) if said else set()
    same = same and all(each["title"] == title and each["digest"] in held for each in said.values())
    require(same, "the declarations that the contract is void are not those in the log 作废声明与日志不符")
    signers = [leaf["public"]["signer"] for leaf in leaves() if leaf["kind"] == SIGNED]
    seals = ", ".join(each for each in signers if each.startswith("seal-"))
    if proposal is not None and seals:
        show(f"NOTE  who used these seals only the portal says 用印人仅以平台记录为凭: {seals}")
    if proposal is not None:
        show("VOID  the parties have declared this contract void 各方已声明合同作废")


def check_entry(openssl: OpenSSL, number: str) -> None:
    head, _, checkpoint = read(f"log/proofs/{number}.tlog-proof").partition(b"\n\n")
    lines = head.decode().split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("index "))
    require(checkpoint == read("log/checkpoint"), f"the proof of entry {number} is for another checkpoint")
    text = read("log/checkpoint.text").decode().split("\n")
    hashes = [base64.b64decode(line) for line in lines[start + 1 :]]
    index = int(lines[start].split(" ")[1])
    require(index == int(number), f"the proof of entry {number} is for another entry")
    found = root_of(read(f"log/entries/{number}.json"), index, int(text[1]), hashes)
    require(found == base64.b64decode(text[2]), f"log entry {number} is not in the log 日志条目不在日志中")
    check_opening(number)
    show(f"ok    log entry {number} is in the log 日志条目已证明在日志中")


CHECKS: dict[str, Callable[..., None]] = {
    "signature": check_signature,
    "timestamp": check_timestamp,
    "certificate": check_certificate,
    "record": check_record,
    "agreement": check_agreement,
    "agreed": check_agreed,
    "grounds": check_authorisation_basis,
    "letter": check_instrument,
    "checkpoint": check_checkpoint,
    "entry": check_entry,
}


def check(openssl: OpenSSL) -> None:
    manifest = parsed(read("manifest.json"))
    form = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    require(form == read("manifest.json"), "manifest.json is not in its one form 清单格式不符")
    *index, rest = read("index.txt").decode().split("\n")
    formed = not rest and all(map(LINE.fullmatch, index))
    require(formed, "a line of index.txt has another form than lines have 索引中有格式不符的行")
    lines = [line.split() for line in index if not line.startswith("#")]
    created = next(line[1] for line in lines if line[0] == "created")
    check_files(manifest)
    check_manifest(openssl, created)
    check_index(manifest, lines)
    check_contract(openssl, lines, created)
    check_times(openssl, lines, created)
    for what, *arguments in lines:
        if what != "created":
            CHECKS[what](openssl, *arguments)
    contract = parsed(read("history/history.json"))["contract"]
    check_history(openssl, contract)
    check_events()
    check_told(openssl, contract)
    check_resting(lines)
    show("LIMIT whether what was added to the contract after a signature, up to its last byte, changed a page is")
    show("      not checked here. Have a program for signed PDFs verify contract/contract.signed.pdf as well.")
    show("      每个签名只覆盖上列字节；此后追加的内容是否改动了页面，不在此处核验。请另用可核验 PDF 签名的程序")
    show("      核验 contract/contract.signed.pdf。")
    show("LIMIT README.*, history/*.pdf and verification/report.json are only there to be read. People and seals")
    show("      are named in their certificates; names and titles in the history, when things happened that")
    show("      nobody signed, which file was given (contract/contract.pdf), who used a seal, what was checked of")
    show("      identities, and that who names no power needed none, are the word of the portal alone.")
    show("      README.*、history/*.pdf 和 verification/report.json 仅供阅读，未经核验。个人和印章的名称以证书")
    show("      为准；历史记录中的名称和标题、无人签名之事的时间、所提交的文件（contract/contract.pdf）、用印人、")
    show("      身份核验内容，以及未载明授权委托书者无需授权，仅以平台记录为凭。")


def trusted() -> Path:
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).resolve()
    show("NOTE  trusting certificates/ca.pem of this package; compare its fingerprint")
    show("      使用包内根证书，请另行核对指纹：")
    command = ["openssl", "x509", "-in", "certificates/ca.pem", "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(command, cwd=HERE, capture_output=True, check=False).stdout
    show("      " + shown.decode("ascii", "replace").strip())
    return HERE / "certificates/ca.pem"


def main() -> int:
    if "-h" in sys.argv or "--help" in sys.argv or len(sys.argv) > 2:
        show(str(__doc__))
        return 2
    try:
        with tempfile.TemporaryDirectory() as scratch:
            check(OpenSSL(trusted(), Path(scratch)))
    except Failed as failed:
        show(f"FAIL  {failed}")
        return 1
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        show(f"FAIL  a file is missing or cannot be read 文件缺失或无法读取: {error!r}")
        return 1
    show("PASS  everything in this package agrees 本包全部核验通过")
    if len(sys.argv) == 1:
        show("NOTE  by whom it was made is not proven: the root was the package's own")
        show("      仅以包内根证书核验，未证明由谁出具")
    return 0


if __name__ == "__main__":
    sys.exit(main())
